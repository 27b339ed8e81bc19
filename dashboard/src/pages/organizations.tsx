// The organizations that somebody belongs to: made, renamed, handed over, left and deleted.
import { count } from "../data/format";
import { forget, useChange, useQuestion } from "../data/use-question";
import { PlainPage } from "../layout/shell";
import { Wrong } from "../layout/states";
import { Answered } from "../panels/panel";
import {
  CreateOrganization,
  DeleteOrganization,
  LeaveOrganization,
  Organization as OrganizationQuestion,
  type OrganizationQuery,
  type OrganizationsQuery,
  Organizations as Question,
  TransferOwnership,
  UpdateOrganization,
} from "../schema.gen";
import { mayChange, useViewer } from "../viewer";
import { ROLES } from "./settings-members";

type Organization = NonNullable<OrganizationsQuery["viewer"]>["organizations"]["nodes"][number];
type Details = NonNullable<OrganizationQuery["organization"]>;
type Props = { organization: Organization; changed: () => void };

function Rename({ organization, changed }: Props) {
  const update = useChange(UpdateOrganization);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim();
    if (await update.run({ input: { id: organization.id, name } })) changed();
  };
  return (
    <form class="sentence" onSubmit={submit}>
      <label>
        Name of the organization
        <input name="name" required maxLength={100} defaultValue={organization.name} autocomplete="off" />
      </label>
      <button type="submit" class="button" disabled={update.busy}>
        Rename
      </button>
      <Wrong error={update.error} />
    </form>
  );
}

function Transfer({ organization, details, changed }: Props & { details: Details }) {
  const { viewer } = useViewer();
  const transfer = useChange(TransferOwnership);
  const others = details.members.nodes.filter(({ userId }) => userId !== viewer.id);
  if (others.length === 0) return null;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const userId = String(new FormData(event.currentTarget as HTMLFormElement).get("owner"));
    const name = others.find((member) => member.userId === userId)?.name;
    if (!confirm(`Make ${name} an owner of “${organization.name}”? You become an admin.`)) return;
    if (await transfer.run({ input: { organizationId: organization.id, userId } })) changed();
  };
  return (
    <form class="sentence" onSubmit={submit}>
      <label>
        Hand it over to
        <select name="owner">
          {others.map(({ userId, name, email }) => (
            <option key={userId} value={userId}>
              {name} ({email})
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="button" disabled={transfer.busy}>
        Make them the owner
      </button>
      <Wrong error={transfer.error} />
    </form>
  );
}

function About({ organization, details, changed }: Props & { details: Details }) {
  const leave = useChange(LeaveOrganization);
  const remove = useChange(DeleteOrganization);
  const { id, name, myRole } = organization;
  const [apps, members] = [details.apps.nodes, details.members.nodes];
  const owns = myRole === "OWNER";
  const onlyOwner = owns && members.filter(({ role }) => role === "OWNER").length === 1;
  return (
    <>
      <p class="muted">
        {count(members.length, "member")} · {apps.length === 0 ? "no apps" : count(apps.length, "app")}
        {apps.slice(0, 5).map((app, index) => (
          <span key={app.id}>
            {index === 0 ? ": " : ", "}
            <a href={`/apps/${app.id}`}>{app.name}</a>
          </span>
        ))}
      </p>
      {mayChange(organization) && <Rename organization={organization} changed={changed} />}
      {owns && <Transfer organization={organization} details={details} changed={changed} />}
      <Wrong error={leave.error ?? remove.error} />
      {onlyOwner && (
        <p class="muted small">
          {members.length > 1
            ? "You are the only owner: hand it over before you leave."
            : "You are its only member, so it can only be deleted."}
          {apps.length > 0 && " It can be deleted once it has no apps any more."}
        </p>
      )}
      <div class="row">
        {!onlyOwner && (
          <button
            type="button"
            class="button danger"
            disabled={leave.busy}
            onClick={async () =>
              confirm(`Leave “${name}”? You see nothing of it and its apps any more.`) &&
              (await leave.run({ input: { organizationId: id } })) &&
              changed()
            }
          >
            Leave {name}
          </button>
        )}
        {owns && apps.length === 0 && (
          <button
            type="button"
            class="button danger"
            disabled={remove.busy}
            onClick={async () =>
              confirm(`Delete “${name}” for good?`) && (await remove.run({ input: { id } })) && changed()
            }
          >
            Delete {name}
          </button>
        )}
      </div>
    </>
  );
}

function OrganizationCard({ organization, changed }: Props) {
  const asked = useQuestion(OrganizationQuestion, { id: organization.id });
  return (
    <section class="card" aria-label={organization.name}>
      <div class="row stretch">
        <h2>{organization.name}</h2>
        <span class="badge">{ROLES[organization.myRole]}</span>
      </div>
      <Answered asked={asked} rows={3}>
        {({ organization: details }) =>
          details && (
            <div class="stack">
              <About organization={organization} details={details} changed={changed} />
            </div>
          )
        }
      </Answered>
    </section>
  );
}

export function Organizations() {
  const { again } = useViewer();
  const asked = useQuestion(Question, {});
  const create = useChange(CreateOrganization);
  const changed = () => {
    forget();
    asked.retry();
    void again();
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const name = String(new FormData(form).get("name")).trim();
    if (!(await create.run({ input: { name } }))) return;
    form.reset();
    changed();
  };
  return (
    <PlainPage title="Organizations">
      <p class="muted">An organization runs apps together: its members have the same role in each of them.</p>
      <Answered asked={asked} rows={6}>
        {(data) => (
          <div class="stack">
            {data.viewer?.organizations.nodes.map((organization) => (
              <OrganizationCard key={organization.id} organization={organization} changed={changed} />
            ))}
            {data.viewer?.organizations.nodes.length === 0 && <p class="none muted">You belong to none yet.</p>}
          </div>
        )}
      </Answered>
      <form class="card form" onSubmit={submit}>
        <h2>A new organization</h2>
        <label>
          Name
          <input name="name" required maxLength={100} autocomplete="off" placeholder="My company" />
        </label>
        <Wrong error={create.error} />
        <button type="submit" class="primary" disabled={create.busy}>
          Create organization
        </button>
      </form>
    </PlainPage>
  );
}
