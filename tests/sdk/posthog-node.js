import { PostHog } from "posthog-node";

const posthog = new PostHog(process.env.KEY, { host: process.env.HOST });
posthog.identify({ distinctId: "ada", properties: { plan: "pro" } });
posthog.alias({ distinctId: "ada", alias: "a-77f2" });
posthog.capture({ distinctId: "ada", event: "bought", properties: { revenue: 24.5, currency: "EUR" } });
await posthog.shutdown();
