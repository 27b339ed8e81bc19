import posthog from "posthog-js";

posthog.init(process.env.KEY, { api_host: process.env.HOST });
posthog.capture("bought", { revenue: 24.5, currency: "EUR" });
posthog.identify("ada", { plan: "pro" });
posthog.capture("rated", { stars: 5 });
