//! What was changed, by whom, from where and when.

use sea_orm::{QueryOrder, entity::prelude::*};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[allow(missing_docs)] // each is described where clients read it
pub enum Action {
    RegistrationLinkPrinted,
    AccountRegistered,
    IdentityLinked,
    SignedIn,
    SignedOut,
    SessionRevoked,
    OtherSessionsRevoked,
    PasswordChanged,
    PasswordResetRequested,
    PasswordReset,
    OrganizationCreated,
    OrganizationUpdated,
    OrganizationDeleted,
    MemberInvited,
    GuestInvited,
    InvitationRevoked,
    InvitationAccepted,
    MemberRoleChanged,
    MemberRemoved,
    MemberLeft,
    OwnershipTransferred,
    GuestRemoved,
    GuestLeft,
    AppCreated,
    AppUpdated,
    AppDeleted,
    ApiKeyCreated,
    ApiKeyUpdated,
    ApiKeyRevoked,
    ApiKeyRegenerated,
    GoalCreated,
    GoalUpdated,
    GoalDeleted,
    SavedSegmentCreated,
    SavedSegmentUpdated,
    SavedSegmentDeleted,
    DashboardCreated,
    DashboardUpdated,
    DashboardDeleted,
    DashboardShared,
    DashboardUnshared,
    DeadLettersReplayed,
    DeadLettersDiscarded,
    PersonErased,
    PersonExported,
}

/// A row of `audit_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// What was done.
    pub action: Action,
    /// In which organization, whose admins see it.
    pub organization_id: Option<Uuid>,
    /// To which account, whose holder sees it.
    pub account_id: Option<Uuid>,
    /// In which app, which may be gone.
    pub of_app: Option<Uuid>,
    /// The account that did it, which may be gone.
    pub actor_id: Option<Uuid>,
    /// The network it came from.
    pub network: Option<String>,
    /// What it was done to, which may be gone.
    pub target_id: Option<Uuid>,
    /// What that was called then.
    pub target_name: Option<String>,
    /// What was changed, as JSON.
    #[sea_orm(column_type = "Text")]
    pub changes: Option<String>,
}

/// Goes with its organization or its account.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an organization, the latest first.
    pub fn of_organization(organization: Uuid) -> Select<Self> {
        Self::latest().filter(Column::OrganizationId.eq(organization))
    }

    /// Those of an account, the latest first.
    pub fn of_account(account: Uuid) -> Select<Self> {
        Self::latest().filter(Column::AccountId.eq(account))
    }

    fn latest() -> Select<Self> {
        Self::find().order_by_desc(Column::At).order_by_desc(Column::Id)
    }
}
