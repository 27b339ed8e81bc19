// Guests, organizations, and what somebody with a smaller role is shown.
import { as } from "./others.js";
import { looks, same, settled } from "./looks.js";

async function go({ page, url }, path) {
  await page.goto(`${url}${path}`);
  await page.getByRole("main").waitFor();
  await settled(page);
}

const token = async (section) => (await section.locator(".snippet pre").innerText()).split("#")[1];

async function accept(check, token) {
  const { page } = check;
  await go(check, `/invitation#${token}`);
  await page.getByRole("button", { name: "Accept" }).click();
  await page.waitForURL(/\/apps\//);
  await settled(page);
}

const yes = (page) => page.once("dialog", (dialog) => dialog.accept());

async function guests(check) {
  const { page, app } = check;
  await go(check, `/apps/${app}/settings/people`);
  const guests = page.getByRole("region", { name: "Guests" });
  await guests.getByLabel("E-mail of a new guest").fill("vera@example.com");
  await guests.getByRole("button", { name: "Invite as a guest" }).click();
  await page.getByText("Guest of Bean shop").waitFor();
  const invitation = await token(guests);
  await looks(check, "people");
  await as(check, "Vera", async () => {
    await accept(check, invitation);
    await go(check, `/apps/${app}/settings`);
    await page.getByRole("region", { name: "API keys" }).waitFor();
    for (const name of ["Save", "Create key", "Edit", "Replace", "Revoke"]) {
      same(`${name} for a viewer`, await page.getByRole("button", { name, exact: true }).count(), 0);
    }
    await go(check, `/apps/${app}/users/user-9`);
    same("a viewer erases", await page.getByText("This person’s data").count(), 0);
    await go(check, `/apps/${app}/goals`);
    same("a viewer edits", await page.getByRole("button", { name: /^(Edit|Delete) the/ }).count(), 0);
    await go(check, `/apps/${app}/dashboards`);
    await page.getByRole("link", { name: "Mornings" }).click();
    await page.getByRole("region", { name: "Pages" }).waitFor();
    same("a viewer edits a dashboard", await page.getByRole("button", { name: /^(Edit|Share)$/ }).count(), 0);
    await go(check, `/apps/${app}/settings/data`);
    same("a viewer sees who was erased", await page.getByText("People who were erased").count(), 0);
    await go(check, `/apps/${app}/settings/people`);
    await looks(check, "people, for a guest");
  });
  // The one who left by herself and the one who is removed see nothing any more.
  await go(check, `/apps/${app}/settings/people`);
  yes(page);
  await page.getByRole("button", { name: "Remove the guest Vera" }).click();
  await guests.getByText("vera@example.com").waitFor({ state: "detached" });
  await guests.getByLabel("E-mail of a new guest").fill("vera@example.com");
  await guests.getByRole("button", { name: "Invite as a guest" }).click();
  await guests.locator(".snippet").waitFor();
  const second = await token(guests);
  await as(check, "Vera", async () => {
    await accept(check, second);
    await go(check, `/apps/${app}/settings/people`);
    yes(page);
    await page.getByRole("button", { name: "Leave Bean shop" }).click();
    await page.getByRole("heading", { name: "Your first app" }).waitFor();
  });
}

async function organizations(check) {
  const { page, app } = check;
  await go(check, "/organizations");
  await page.getByLabel("Name", { exact: true }).fill("Side project");
  await page.getByRole("button", { name: "Create organization" }).click();
  const side = page.getByRole("region", { name: "Side project" });
  await side.getByText("no apps").waitFor();
  await looks(check, "organizations");
  await go(check, "/new");
  await page.getByLabel("Organization").getByText("Side project").waitFor({ state: "attached" });
  await looks(check, "new app");
  await go(check, "/organizations");
  await side.getByLabel("Name of the organization").fill("Aside");
  await side.getByRole("button", { name: "Rename" }).click();
  const aside = page.getByRole("region", { name: "Aside" });
  await aside.waitFor();
  yes(page);
  await aside.getByRole("button", { name: "Delete Aside" }).click();
  await aside.waitFor({ state: "detached" });

  // A member gets it, and gives it back.
  await go(check, `/apps/${app}/settings/people`);
  await page.getByLabel("E-mail of a new member").fill("vera@example.com");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  const members = page.getByRole("region", { name: "Members" });
  await members.locator(".snippet").waitFor();
  const invitation = await token(members);
  await as(check, "Vera", () => accept(check, invitation));
  const handOver = async (to) => {
    await go(check, "/organizations");
    const house = page.getByRole("region").filter({ hasText: "Bean shop" });
    await house.getByLabel("Hand it over to").selectOption({ label: to });
    yes(page);
    await house.getByRole("button", { name: "Make them the owner" }).click();
    await house.getByText("Admin", { exact: true }).waitFor();
  };
  await handOver("Vera (vera@example.com)");
  await as(check, "Vera", async () => {
    await handOver("Ada (ada@example.com)");
    yes(page);
    await page.getByRole("button", { name: /^Leave/ }).click();
    await page.getByText("Bean shop").first().waitFor({ state: "detached" });
  });
}

export async function people(check) {
  await guests(check);
  await organizations(check);
}
