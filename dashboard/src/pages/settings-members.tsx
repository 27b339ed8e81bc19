// The people of the app's organization: their roles, and invitations that are open.
import { useState } from "preact/hooks";
import { day } from "../data/format";
import { useList } from "../data/use-list";
import { useChange } from "../data/use-question";
import { Snippet } from "../layout/copy";
import { Choice } from "../layout/controls";
import { Wrong } from "../layout/states";
import { More } from "../panels/more";
import { Answered, Panel } from "../panels/panel";
import {
  ChangeMemberRole,
  InviteMember,
  Invitations as InvitationsQuestion,
  Members as Question,
  type MembersQuery,
  RemoveMember,
  RevokeInvitation,
  type Role,
} from "../schema.gen";
import { mayChange, useScope, useViewer } from "../viewer";
import { invitationLink } from "./invitation";
import { AuditLog } from "./settings-audit";
import { Guests, LeaveGuest } from "./settings-guests";

type Organization = NonNullable<NonNullable<MembersQuery["app"]>["organization"]>;
type Member = Organization["members"]["nodes"][number];

const fields = [
  { name: "name", value: ({ name }: Member) => name },
  { name: "email", value: ({ email }: Member) => email },
  { name: "role", value: ({ role }: Member) => role },
];

export const ROLES: Record<Role, string> = { VIEWER: "Viewer", EDITOR: "Editor", ADMIN: "Admin", OWNER: "Owner" };
const RANK: Role[] = ["VIEWER", "EDITOR", "ADMIN", "OWNER"];

/** Nobody hands out or touches a role above their own. */
const upTo = (role: Role) =>
  Object.fromEntries(RANK.slice(0, RANK.indexOf(role) + 1).map((one) => [one, ROLES[one]])) as Record<Role, string>;

function MemberLine({
  member,
  organization,
  changed,
}: {
  member: Member;
  organization: Organization;
  changed: () => void;
}) {
  const { viewer } = useViewer();
  const change = useChange(ChangeMemberRole);
  const remove = useChange(RemoveMember);
  const { userId, name, email, role } = member;
  const mine = organization.myRole;
  const manages = (mine === "ADMIN" || mine === "OWNER") && RANK.indexOf(role) <= RANK.indexOf(mine);
  const one = { organizationId: organization.id, userId };
  return (
    <li>
      <div>
        <strong>{name}</strong> {userId === viewer.id && <span class="badge">you</span>}
        <p class="muted small">{email}</p>
        <Wrong error={change.error ?? remove.error} />
      </div>
      {manages && userId !== viewer.id ? (
        <div class="row">
          <Choice
            label={`Role of ${name}`}
            value={role}
            options={upTo(mine)}
            choose={async (role) => (await change.run({ input: { ...one, role } })) && changed()}
          />
          <button
            type="button"
            class="button danger"
            onClick={async () => confirm(`Remove ${name}?`) && (await remove.run({ input: one })) && changed()}
          >
            Remove
          </button>
        </div>
      ) : (
        <span class="muted">{ROLES[role]}</span>
      )}
    </li>
  );
}

function useInvitations(organization: Organization) {
  const variables = mayChange(organization) ? { organization: organization.id } : null;
  return useList(InvitationsQuestion, variables, (answer) => answer.organization?.invitations);
}

function Invitations({
  organization,
  list,
}: {
  organization: Organization;
  list: ReturnType<typeof useInvitations>;
}) {
  const { app } = useScope();
  const invite = useChange(InviteMember);
  const revoke = useChange(RevokeInvitation);
  const [made, setMade] = useState<{ link: string; email: string; isMailed: boolean }>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const input = {
      organizationId: organization.id,
      email: String(data.get("email")).trim(),
      role: String(data.get("role")) as Role,
    };
    const done = await invite.run({ input });
    if (!done) return;
    const { token, isMailed } = done.inviteMember;
    setMade({ link: invitationLink(token), email: input.email, isMailed });
    form.reset();
    list.first.retry();
  };
  return (
    <>
      {made?.isMailed && <p role="status">A letter with this link is on its way to {made.email}.</p>}
      {made && (
        <Snippet label="Hand this link over by a way you trust; it works once, for seven days" text={made.link} />
      )}
      <Answered asked={list.first} rows={1}>
        {() => (
          <ul class="list">
            {list.nodes.map(({ id, email, role, app: only, expiresAt }) => (
              <li key={id}>
                <div>
                  <strong>{email}</strong> <span class="badge">invited</span>
                  <p class="muted small">
                    {only ? `Guest of ${only.name}` : ROLES[role]}, until {day(expiresAt, app.timezone)}
                  </p>
                </div>
                <button
                  type="button"
                  class="button"
                  onClick={async () => (await revoke.run({ input: { id } })) && list.first.retry()}
                >
                  Take back
                </button>
              </li>
            ))}
          </ul>
        )}
      </Answered>
      <More {...list} />
      <form class="sentence" onSubmit={submit}>
        <label>
          E-mail of a new member
          <input name="email" type="email" required autocomplete="off" />
        </label>
        <label>
          Role
          <select name="role">
            {Object.entries(upTo("ADMIN")).map(([role, title]) => (
              <option key={role} value={role}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary" disabled={invite.busy}>
          Invite
        </button>
      </form>
      <Wrong error={invite.error ?? revoke.error} />
    </>
  );
}

function useMembers(app: string) {
  return useList(Question, { app }, (answer) => answer.app?.organization?.members);
}

function OrganizationMembers({
  organization,
  list,
}: {
  organization: Organization;
  list: ReturnType<typeof useMembers>;
}) {
  const { app } = useScope();
  const manages = mayChange(organization);
  const invitations = useInvitations(organization);
  return (
    <>
      <Panel
        title="Members"
        head={<h2>Members of {organization.name}</h2>}
        table={{ name: "members", rows: list.nodes, fields }}
        shown={{ operation: Question, variables: { app: app.id } }}
      >
        <p class="muted">
          Viewers read, editors keep goals and segments, admins change apps, keys and members, owners delete. To leave,
          rename or hand over, see <a href="/organizations">your organizations</a>.
        </p>
        <ul class="list">
          {list.nodes.map((member) => (
            <MemberLine key={member.userId} member={member} organization={organization} changed={list.first.retry} />
          ))}
        </ul>
        <More {...list} />
        {manages && <Invitations organization={organization} list={invitations} />}
      </Panel>
      {mayChange(app) && <Guests invited={invitations.first.retry} />}
      {manages && <AuditLog organization={organization.id} />}
    </>
  );
}

export function Members() {
  const { app } = useScope();
  const list = useMembers(app.id);
  return (
    <Answered asked={list.first} rows={3}>
      {(data) =>
        data.app?.organization ? (
          <OrganizationMembers organization={data.app.organization} list={list} />
        ) : (
          <>
            <LeaveGuest />
            {mayChange(app) && <Guests invited={() => undefined} />}
          </>
        )
      }
    </Answered>
  );
}
