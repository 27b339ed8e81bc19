import { Analytics } from "@segment/analytics-node";

const analytics = new Analytics({ host: process.env.HOST, writeKey: process.env.KEY });
analytics.identify({ userId: "ada", anonymousId: "a-77f2", traits: { plan: "pro" } });
analytics.track({
  userId: "ada",
  event: "Order Completed",
  properties: { revenue: 24.5, currency: "EUR", coupon: "AUTUMN" },
});
analytics.page({
  anonymousId: "a-77f2",
  name: "Start",
  properties: { url: "https://shop.example/?utm_source=mail", title: "Coffee" },
});
await analytics.closeAndFlush();
