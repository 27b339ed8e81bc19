// Which page an address is, and who may see it.
import { useEffect } from "preact/hooks";
import { Mishap } from "./layout/mishap";
import { ErrorNote } from "./layout/states";
import { Account } from "./pages/account";
import { AppPages } from "./pages/app-pages";
import { Invitation } from "./pages/invitation";
import { NewApp } from "./pages/new-app";
import { NotFound } from "./pages/not-found";
import { Organizations } from "./pages/organizations";
import { ResetPassword } from "./pages/reset-password";
import { Setup } from "./pages/setup";
import { SignIn } from "./pages/sign-in";
import { type Place, PlaceContext, navigate, ownPath, useAddress } from "./router";
import { type Viewer, ViewerContext, useSignedIn } from "./viewer";

/** Sends the browser on, once it is known where to. */
function GoTo({ to }: { to: string }) {
  useEffect(() => navigate(to, { replace: true }), [to]);
  return null;
}

/** The app that was looked at last comes first when somebody returns. */
function home(viewer: Viewer): string {
  const last = localStorage.getItem("app");
  const app = viewer.apps.find(({ id }) => id === last) ?? viewer.apps[0];
  return app ? `/apps/${app.id}` : "/new";
}

function Page({ place: { path, params }, viewer }: { place: Place; viewer: Viewer }) {
  if (["/", "/sign-in", "/register"].includes(path)) {
    // Whoever came through the door goes where they were going to.
    const next = ownPath(params.get("next"));
    return <GoTo to={next === "/" ? home(viewer) : next} />;
  }
  if (path === "/new") return <NewApp />;
  if (path === "/account") return <Account />;
  if (path === "/organizations") return <Organizations />;
  if (path === "/invitation") return <Invitation />;
  const [, app, rest = ""] = path.match(/^\/apps\/([^/]+)(?:\/(.*))?$/) ?? [];
  const found = viewer.apps.find(({ id }) => id === app);
  if (!found) return <NotFound />;
  if (rest === "setup") return <Setup app={found} key={found.id} />;
  return <AppPages app={found} page={rest} key={found.id} />;
}

export function Root() {
  const place = useAddress();
  const { signedIn, error, again } = useSignedIn();
  const open = place.path === "/sign-in" || place.path === "/register";
  let page;
  if (place.path === "/reset-password") page = <ResetPassword changed={again} />;
  else if (error) page = <ErrorNote error={error} retry={again} />;
  else if (signedIn === undefined) page = <p class="loading" role="status" aria-label="Loading" />;
  else if (signedIn) {
    page = (
      <ViewerContext.Provider value={{ viewer: signedIn, again }}>
        <Mishap key={place.path}>
          <Page place={place} viewer={signedIn} />
        </Mishap>
      </ViewerContext.Provider>
    );
  } else if (open) page = <SignIn registering={place.path === "/register"} entered={again} />;
  else {
    const next =
      place.path === "/" ? "" : `?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`;
    page = <GoTo to={`/sign-in${next}`} />;
  }
  return <PlaceContext.Provider value={place}>{page}</PlaceContext.Provider>;
}
