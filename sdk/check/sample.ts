// What a page in TypeScript writes, and what its compiler keeps it from.
import { init, type Analytics, type Extra, type Options, type Properties } from "./sdk.mjs";
import { init as byAddress } from "https://stats.example.com/sdk.mjs";

const options: Options = { key: "uea_", host: "https://stats.example.com", consent: "required", vitals: true };
const uea: Analytics = init(options);
const properties: Properties = { items: 2, gift: { wrapped: true } };
const extra: Extra = { revenue: "24.50", currency: "EUR", id: "order-1001" };
export const taken: boolean = uea.track("order", properties, extra) && uea.page() && uea.identify("ada");
export const tried: Promise<void> = uea.flush();
byAddress({ key: "uea_" }).optOut();

// @ts-expect-error without a key
init({ host: "https://stats.example.com" });
// @ts-expect-error an option that there is not
init({ key: "uea_", cookies: true });
// @ts-expect-error another word
init({ key: "uea_", consent: "maybe" });
// @ts-expect-error an event without a type
uea.track({ items: 2 });
// @ts-expect-error a sum that is none
uea.track("order", {}, { revenue: true });
