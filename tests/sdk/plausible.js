import Plausible from "plausible-tracker";

const { trackPageview, trackEvent } = Plausible({ apiHost: process.env.HOST, domain: process.env.KEY });
trackPageview();
trackEvent("signup", { props: { plan: "pro" } });
