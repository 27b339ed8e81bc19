import { PlainPage } from "../layout/shell";

export function NotFound() {
  return (
    <PlainPage title="Nothing here">
      <p>There is no such page, or the app is not one of yours.</p>
      <p>
        <a class="button" href="/">
          Go to your apps
        </a>
      </p>
    </PlainPage>
  );
}
