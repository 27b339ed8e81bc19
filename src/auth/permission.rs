//! Who may do what: the one table of it.
//!
//! A function that changes anything demands a [`Granted`] of its permission, and only a scope can
//! grant one, after it has compared roles. So the check cannot be forgotten: without it the code does
//! not compile. To read an app or an organization the scope itself is enough.

use std::marker::PhantomData;

use super::{AppScope, OrganizationScope};
use crate::{
    entity::role::Role,
    error::{Error, Result},
};

/// Something that takes a role.
pub trait Permission {
    /// What it is done to.
    type Scope: Copy;
    /// The least role that may.
    const LEAST: Role;
    /// What to say to others.
    const REFUSAL: &'static str;
}

/// Proof that whoever asks may do `P` there.
#[derive(Debug)]
pub struct Granted<P: Permission> {
    scope: P::Scope,
    permission: PhantomData<P>,
}

impl<P: Permission> Clone for Granted<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Permission> Copy for Granted<P> {}

impl<P: Permission> Granted<P> {
    /// Where.
    pub fn scope(self) -> P::Scope {
        self.scope
    }

    /// Compares roles; the one place where that is done.
    pub(super) fn to(scope: P::Scope, role: Role) -> Result<Self> {
        if role < P::LEAST {
            return Err(Error::Forbidden(P::REFUSAL));
        }
        Ok(Self { scope, permission: PhantomData })
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])+ $name:ident: $scope:ident, $least:ident, $refusal:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl Permission for $name {
            type Scope = $scope;
            const LEAST: Role = Role::$least;
            const REFUSAL: &'static str = $refusal;
        }
    )+};
}

permissions! {
    /// To keep goals and saved segments.
    EditDefinitions: AppScope, Editor, "Only editors, admins and the owner may change goals and saved segments.";
    /// To keep dashboards.
    EditDashboards: AppScope, Editor, "Only editors, admins and the owner may change dashboards.";
    /// To show dashboards to whoever has a link.
    ShareDashboards: AppScope, Admin, "Only admins and the owner may share dashboards by a link.";
    /// To make, change, replace and end API keys.
    ManageKeys: AppScope, Admin, "Only admins and the owner may change API keys.";
    /// To change an app's name, time zone and settings.
    ChangeApp: AppScope, Admin, "Only admins and the owner may change the app.";
    /// To try or to give up events that the database refused.
    SettleDeadLetters: AppScope, Admin, "Only admins and the owner may decide on dead letters.";
    /// To erase people, and to see who was.
    ErasePeople: AppScope, Admin, "Only admins and the owner may erase people and see the receipts.";
    /// To download all events of a person.
    ExportPeople: AppScope, Admin, "Only admins and the owner may export people's data.";
    /// To delete an app with all its data.
    DeleteApp: AppScope, Owner, "Only the owner may delete the app or say how long its events are kept.";
    /// To make apps.
    CreateApp: OrganizationScope, Admin, "Only admins and the owner may create apps.";
    /// To rename an organization.
    ChangeOrganization: OrganizationScope, Admin, "Only admins and the owner may change the organization.";
    /// To invite, change and remove members, none of them above oneself.
    ManageMembers: OrganizationScope, Admin, "Only admins and owners may invite, change and remove members.";
    /// To let people see one app alone, and to stop that.
    ManageGuests: AppScope, Admin, "Only admins and owners may invite and remove guests of the app.";
    /// To see who changed what.
    ReadAuditLog: OrganizationScope, Admin, "Only admins and owners may see the audit log.";
    /// To hand an organization over.
    TransferOwnership: OrganizationScope, Owner, "Only an owner may hand the organization over.";
    /// To delete an organization.
    DeleteOrganization: OrganizationScope, Owner, "Only the owner may delete the organization.";
}

/// Who may use an element of the schema. Others are answered with the code `FORBIDDEN` where their role
/// is too small, with `NOT_FOUND` where they have none, and with `UNAUTHENTICATED` when not signed in. To an
/// API key that reads, all but questions about its own app is `FORBIDDEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody.
    Anyone,
    /// Whoever has signed in. What is not theirs they do not see.
    SignedIn,
    /// Whoever has at least this role in the app: as a member of its organization, or of the app alone.
    /// An API key that reads is a viewer of its app.
    App(Role),
    /// The same, but no API key.
    AppMember(Role),
    /// Whoever has at least this role in the organization.
    Organization(Role),
    /// Whoever has opened a link to a dashboard; for others there is nothing.
    Link,
    /// Whoever came to see the object that holds it: it adds nothing that takes a right of its own.
    Holder,
}

const fn app<P: Permission<Scope = AppScope>>() -> Who {
    Who::App(P::LEAST)
}

const fn organization<P: Permission<Scope = OrganizationScope>>() -> Who {
    Who::Organization(P::LEAST)
}

/// A reader of an app.
const READER: Who = Who::App(Role::Viewer);

/// A member of an organization.
const MEMBER: Who = Who::Organization(Role::Viewer);

/// Every element that somebody may use, and who. `Type.*` stands for all fields of a type that are not
/// named here themselves; a test demands that the schema holds no other elements and no fewer.
pub const TABLE: &[(&str, Who)] = &[
    ("Query.viewer", Who::Anyone),
    ("Query.app", READER),
    ("Query.organization", MEMBER),
    ("Query.node", Who::SignedIn),
    ("Query.rateLimit", Who::Anyone),
    ("Query.signInProviders", Who::Anyone),
    ("Query.registration", Who::Anyone),
    ("Query.sharedDashboard", Who::Link),
    ("Subscription.live", READER),
    ("User.*", Who::Holder),
    ("App.*", READER),
    ("App.apiKeys", Who::AppMember(Role::Viewer)),
    ("App.erasures", app::<ErasePeople>()),
    ("App.erasure", app::<ErasePeople>()),
    ("App.guests", app::<ManageGuests>()),
    ("App.dashboardShares", app::<ShareDashboards>()),
    ("Organization.*", MEMBER),
    ("Organization.auditLog", organization::<ReadAuditLog>()),
    ("Organization.invitations", organization::<ManageMembers>()),
    ("Mutation.register", Who::Anyone),
    ("Mutation.requestRegistration", Who::Anyone),
    ("Mutation.signIn", Who::Anyone),
    ("Mutation.signOut", Who::Anyone),
    ("Mutation.changePassword", Who::SignedIn),
    ("Mutation.requestPasswordReset", Who::Anyone),
    ("Mutation.resetPassword", Who::Anyone),
    ("Mutation.revokeSession", Who::SignedIn),
    ("Mutation.revokeOtherSessions", Who::SignedIn),
    ("Mutation.createApp", organization::<CreateApp>()),
    ("Mutation.updateApp", app::<ChangeApp>()),
    ("Mutation.deleteApp", app::<DeleteApp>()),
    ("Mutation.createApiKey", app::<ManageKeys>()),
    ("Mutation.updateApiKey", app::<ManageKeys>()),
    ("Mutation.revokeApiKey", app::<ManageKeys>()),
    ("Mutation.regenerateApiKey", app::<ManageKeys>()),
    ("Mutation.replayDeadLetters", app::<SettleDeadLetters>()),
    ("Mutation.discardDeadLetters", app::<SettleDeadLetters>()),
    ("Mutation.createGoal", app::<EditDefinitions>()),
    ("Mutation.updateGoal", app::<EditDefinitions>()),
    ("Mutation.deleteGoal", app::<EditDefinitions>()),
    ("Mutation.createSavedSegment", app::<EditDefinitions>()),
    ("Mutation.updateSavedSegment", app::<EditDefinitions>()),
    ("Mutation.deleteSavedSegment", app::<EditDefinitions>()),
    ("Mutation.createDashboard", app::<EditDashboards>()),
    ("Mutation.updateDashboard", app::<EditDashboards>()),
    ("Mutation.deleteDashboard", app::<EditDashboards>()),
    ("Mutation.shareDashboard", app::<ShareDashboards>()),
    ("Mutation.revokeDashboardShare", app::<ShareDashboards>()),
    ("Mutation.openSharedDashboard", Who::Anyone),
    ("Mutation.eraseUser", app::<ErasePeople>()),
    ("Mutation.exportUser", app::<ExportPeople>()),
    ("Mutation.createOrganization", Who::SignedIn),
    ("Mutation.updateOrganization", organization::<ChangeOrganization>()),
    ("Mutation.deleteOrganization", organization::<DeleteOrganization>()),
    ("Mutation.inviteMember", organization::<ManageMembers>()),
    ("Mutation.inviteGuest", app::<ManageGuests>()),
    ("Mutation.acceptInvitation", Who::SignedIn),
    ("Mutation.revokeInvitation", organization::<ManageMembers>()),
    ("Mutation.changeMemberRole", organization::<ManageMembers>()),
    ("Mutation.removeMember", organization::<ManageMembers>()),
    ("Mutation.leaveOrganization", MEMBER),
    ("Mutation.transferOwnership", organization::<TransferOwnership>()),
    ("Mutation.removeGuest", app::<ManageGuests>()),
    ("Mutation.leaveApp", READER),
];

/// The fields of `App` that a panel of a dashboard may ask for, none of which tells of keys, members, changes or
/// settings. What is not named here no panel can reach.
pub const PANEL_FIELDS: &[&str] = &[
    "id",
    "name",
    "timezone",
    "goals",
    "overview",
    "summary",
    "timeline",
    "breakdown",
    "events",
    "user",
    "users",
    "funnel",
    "retention",
    "sessions",
    "sessionList",
    "propertyStats",
    "topProperties",
    "paths",
];

/// Those of [`PANEL_FIELDS`] that list single people, what they did or when they came. A panel that asks for one of
/// them is not shown to whoever has but a link.
pub const PERSONAL_FIELDS: &[&str] = &["events", "user", "users", "sessionList"];
