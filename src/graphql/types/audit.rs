//! The audit log.

use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Select};
use uuid::Uuid;

use crate::{
    auth::audit,
    clock::Moment,
    entity::{
        audit_event::{self, Column, Entity, Model},
        user,
    },
    graphql::{
        context::ContextExt,
        error::Result,
        guard::LOOKUP,
        id::NodeId,
        page::{Page, Paginator},
    },
};

/// What was done.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "audit_event::Action")]
pub enum AuditAction {
    /// Whoever runs the server printed a link at its terminal, by which the account could be made.
    RegistrationLinkPrinted,
    /// An account was made.
    AccountRegistered,
    /// An account that had neither a password nor an identity elsewhere was linked to one.
    IdentityLinked,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
    /// Another sign-in of an account was ended.
    SessionRevoked,
    /// All other sign-ins of an account were ended.
    OtherSessionsRevoked,
    /// The password of an account was changed by its holder; all of its sign-ins ended.
    PasswordChanged,
    /// A link to set a new password was made. Who asked for it is not known.
    PasswordResetRequested,
    /// A new password was set by such a link; all sign-ins of the account ended.
    PasswordReset,
    /// An organization was made.
    OrganizationCreated,
    /// An organization was renamed.
    OrganizationUpdated,
    /// An organization was deleted, and its log with it; whoever did it finds this in their own.
    OrganizationDeleted,
    /// Somebody was invited to the organization.
    MemberInvited,
    /// Somebody was invited to see an app.
    GuestInvited,
    /// An invitation was revoked.
    InvitationRevoked,
    /// An invitation was accepted.
    InvitationAccepted,
    /// A member was given another role.
    MemberRoleChanged,
    /// A member was removed.
    MemberRemoved,
    /// A member left.
    MemberLeft,
    /// The organization was handed over.
    OwnershipTransferred,
    /// A guest was removed from an app.
    GuestRemoved,
    /// A guest left an app.
    GuestLeft,
    /// An app was made.
    AppCreated,
    /// An app or its settings were changed.
    AppUpdated,
    /// An app was deleted with all its data.
    AppDeleted,
    /// An API key was made.
    ApiKeyCreated,
    /// An API key was changed.
    ApiKeyUpdated,
    /// An API key was revoked.
    ApiKeyRevoked,
    /// An API key was given a new secret.
    ApiKeyRegenerated,
    /// A goal was made.
    GoalCreated,
    /// A goal was changed.
    GoalUpdated,
    /// A goal was deleted.
    GoalDeleted,
    /// A segment was saved.
    SavedSegmentCreated,
    /// A saved segment was changed.
    SavedSegmentUpdated,
    /// A saved segment was deleted.
    SavedSegmentDeleted,
    /// A dashboard was made.
    DashboardCreated,
    /// A dashboard was changed.
    DashboardUpdated,
    /// A dashboard was deleted.
    DashboardDeleted,
    /// A link was made by which a dashboard is shown to whoever has it.
    DashboardShared,
    /// Such a link was revoked.
    DashboardUnshared,
    /// Events that the database had refused were tried again.
    DeadLettersReplayed,
    /// Events that the database had refused were given up.
    DeadLettersDiscarded,
    /// A person was erased from an app. The log does not say who; `targetId` is that of the receipt.
    PersonErased,
    /// All that an app keeps of a person was made ready to be downloaded. The log does not say who.
    PersonExported,
}

/// A setting that was changed.
#[derive(SimpleObject)]
pub struct AuditChange {
    /// Which.
    field: String,
    /// What it was; null where it was nothing, or is not for the log to tell, such as a filter.
    before: Option<String>,
    /// What it was changed to; null where that is nothing, or is not for the log to tell.
    after: Option<String>,
}

/// That something was changed: by whom, from where, when and what.
#[derive(Description)]
pub struct AuditEvent(Model);

/// A page of a log, the latest first. `list` tells it from others.
pub async fn page(
    ctx: &Context<'_>,
    list: (&'static str, Uuid),
    log: Select<Entity>,
    first: i32,
    after: Option<String>,
) -> Result<Page<AuditEvent>> {
    let page = Paginator::<(i64, Uuid)>::new(list, first, after)?;
    let mut rows = log.limit(page.first() as u64 + 1);
    if let Some((at, id)) = page.after() {
        let same = Column::At.eq(*at).and(Column::Id.lt(*id));
        rows = rows.filter(Column::At.lt(*at).or(same));
    }
    let rows = rows.all(&*ctx.app().db).await?;
    Ok(page.probed(rows, |row| (row.at, row.id), AuditEvent)?)
}

#[Object(use_type_description)]
impl AuditEvent {
    /// Identifies the entry, for your records.
    async fn entry_id(&self) -> ID {
        self.0.id.simple().to_string().into()
    }

    /// When it was done.
    async fn at(&self) -> Moment {
        Moment(self.0.at)
    }

    /// What was done.
    async fn action(&self) -> AuditAction {
        self.0.action.into()
    }

    /// Id of the account that did it.
    async fn actor_id(&self) -> Option<ID> {
        self.0.actor_id.map(|id| NodeId::User(id).into())
    }

    /// The e-mail address of the account that did it; null where there is no such account any more.
    #[graphql(complexity = "LOOKUP")]
    async fn actor_email(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        let account = user::Entity::find_by_id(actor).one(&*ctx.app().db).await?;
        Ok(account.map(|account| account.email))
    }

    /// The network it came from: of the address the last part is not kept.
    async fn network(&self) -> Option<&str> {
        self.0.network.as_deref()
    }

    /// Id of the app it was done in, which may be gone; null for what concerns none.
    async fn app_id(&self) -> Option<ID> {
        self.0.of_app.map(|id| NodeId::App(id).into())
    }

    /// Id of what it was done to, which may be gone.
    async fn target_id(&self) -> Option<ID> {
        self.0.target_id.map(|id| target(self.0.action, self.0.of_app, id))
    }

    /// What that was called then: its name, or the e-mail address of an account or of an invitation.
    async fn target_name(&self) -> Option<&str> {
        self.0.target_name.as_deref()
    }

    /// What was changed of it. Never a secret.
    async fn changes(&self) -> Vec<AuditChange> {
        let change = |audit::Change { field, before, after }| AuditChange { field, before, after };
        audit::changes(&self.0).into_iter().map(change).collect()
    }
}

/// The id of what an action was done to.
fn target(action: audit_event::Action, app: Option<Uuid>, id: Uuid) -> ID {
    use audit_event::Action as A;
    let node = match (action, app) {
        (A::RegistrationLinkPrinted | A::AccountRegistered | A::IdentityLinked | A::PasswordResetRequested, _) => {
            NodeId::User(id)
        }
        (A::SignedIn | A::SignedOut | A::SessionRevoked | A::OtherSessionsRevoked, _) => NodeId::Session(id),
        (A::OrganizationCreated | A::OrganizationUpdated | A::OrganizationDeleted, _) => NodeId::Organization(id),
        (A::MemberInvited | A::GuestInvited | A::InvitationRevoked | A::InvitationAccepted, _) => {
            NodeId::Invitation(id)
        }
        (A::MemberRoleChanged | A::MemberRemoved | A::MemberLeft | A::OwnershipTransferred, _)
        | (A::GuestRemoved | A::GuestLeft, _) => NodeId::User(id),
        (A::AppCreated | A::AppUpdated | A::AppDeleted, _) => NodeId::App(id),
        (A::ApiKeyCreated | A::ApiKeyUpdated | A::ApiKeyRevoked | A::ApiKeyRegenerated, _) => NodeId::ApiKey(id),
        (A::GoalCreated | A::GoalUpdated | A::GoalDeleted, Some(app)) => NodeId::Goal { app, goal: id },
        (A::SavedSegmentCreated | A::SavedSegmentUpdated | A::SavedSegmentDeleted, Some(app)) => {
            NodeId::SavedSegment { app, segment: id }
        }
        (A::DashboardCreated | A::DashboardUpdated | A::DashboardDeleted, Some(app)) => {
            NodeId::Dashboard { app, dashboard: id }
        }
        // Of these an id is known without being one of a node: that of a receipt.
        _ => return id.simple().to_string().into(),
    };
    node.into()
}
