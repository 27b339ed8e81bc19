// What events say, by the names of the field, of the schema and of people.
import type { Dimension, EventFilter } from "../schema.gen";

/** The parts of a filter that are conditions on a text. */
export type TextColumn = {
  [Key in keyof EventFilter]-?: NonNullable<EventFilter[Key]> extends { startsWith?: unknown } ? Key : never;
}[keyof EventFilter];

export type Column = { title: string; dimension?: Dimension };

export const COLUMNS = {
  eventType: { title: "Event", dimension: "EVENT_TYPE" },
  pagePath: { title: "Page", dimension: "PAGE_PATH" },
  pageTitle: { title: "Page title", dimension: "PAGE_TITLE" },
  hostname: { title: "Host", dimension: "HOSTNAME" },
  referrerDomain: { title: "Referrer", dimension: "REFERRER_DOMAIN" },
  utmSource: { title: "Campaign source", dimension: "UTM_SOURCE" },
  utmMedium: { title: "Campaign medium", dimension: "UTM_MEDIUM" },
  utmCampaign: { title: "Campaign", dimension: "UTM_CAMPAIGN" },
  utmTerm: { title: "Campaign term", dimension: "UTM_TERM" },
  utmContent: { title: "Campaign content", dimension: "UTM_CONTENT" },
  country: { title: "Country", dimension: "COUNTRY" },
  region: { title: "Region", dimension: "REGION" },
  city: { title: "City", dimension: "CITY" },
  language: { title: "Language", dimension: "LANGUAGE" },
  device: { title: "Device", dimension: "DEVICE" },
  browser: { title: "Browser", dimension: "BROWSER" },
  browserVersion: { title: "Browser version", dimension: "BROWSER_VERSION" },
  os: { title: "System", dimension: "OS" },
  osVersion: { title: "System version", dimension: "OS_VERSION" },
  userId: { title: "User" },
  sessionId: { title: "Session" },
} as const satisfies Partial<Record<TextColumn, Column>>;

export type ColumnName = keyof typeof COLUMNS;

export function isColumn(name: string): name is ColumnName {
  return Object.hasOwn(COLUMNS, name);
}
