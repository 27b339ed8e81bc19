import { Umami } from "@umami/node";

const umami = new Umami({ hostUrl: process.env.HOST, websiteId: process.env.KEY });
await umami.track({ hostname: "shop.example", url: "/cart", title: "Cart", language: "de-CH", screen: "1536x864" });
await umami.track("signup", { plan: "pro" });
