//! Invitations, and the guests of apps.

use async_graphql::{Context, Description, ID, Object, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::app::{App, Role};
use crate::{
    apps,
    auth::{
        AppScope, Granted,
        permission::{ManageGuests, ManageMembers},
    },
    clock::Moment,
    entity::{
        app_member,
        invitation::{Column, Entity, Model},
        user,
    },
    graphql::{
        context::ContextExt,
        error::Result,
        guard::LOOKUP,
        id::NodeId,
        loader::VisibleApp,
        page::{self, Page, Paginator},
    },
};

/// That somebody was invited to an organization, or to one of its apps. Once it is accepted or revoked it
/// is not there any more.
#[derive(Description)]
pub struct Invitation(pub Model);

impl Invitation {
    /// The invitation of this id; `FORBIDDEN` for members whose role is too small.
    pub async fn find(ctx: &Context<'_>, id: Uuid) -> Result<Option<Self>> {
        Ok(apps::invitation::find(&ctx.app().db, ctx.viewer()?, id).await?.map(Self))
    }
}

/// A page of an organization's open invitations, the latest first.
pub async fn page(
    ctx: &Context<'_>,
    may: Granted<ManageMembers>,
    first: i32,
    after: Option<String>,
) -> Result<Page<Invitation>> {
    let id = may.scope().organization_id();
    let page = Paginator::<Uuid>::new(("invitations", id), first, after)?;
    let mut rows = Entity::open_of(id, ctx.app().clock.now_ms()).limit(page.first() as u64 + 1);
    if let Some(after) = page.after() {
        rows = rows.filter(Column::Id.lt(*after));
    }
    let rows = rows.all(&*ctx.app().db).await?;
    Ok(page.probed(rows, |row| row.id, Invitation)?)
}

#[Object(use_type_description)]
impl Invitation {
    /// Identifies the invitation everywhere.
    pub async fn id(&self) -> ID {
        NodeId::Invitation(self.0.id).into()
    }

    /// The address whose account may accept it, in lower case.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// What they will be.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// The one app they will see as its guest; null when they will be a member of the organization.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn app(&self, ctx: &Context<'_>) -> Result<Option<App>> {
        let Some(app) = self.0.app_id else { return Ok(None) };
        Ok(ctx.loader().load_one(VisibleApp(app)).await?.map(|(model, scope)| App::new(model, scope)))
    }

    /// The e-mail address of the account that invited; null where there is no such account any more.
    #[graphql(complexity = "LOOKUP")]
    async fn invited_by(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let account = user::Entity::find_by_id(self.0.invited_by).one(&*ctx.app().db).await?;
        Ok(account.map(|account| account.email))
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }

    /// From when on it can not be accepted: after seven days.
    async fn expires_at(&self) -> Moment {
        Moment(self.0.expires_at)
    }
}

/// Somebody who sees one app, and neither its organization nor its other apps.
#[derive(SimpleObject)]
pub struct AppGuest {
    /// Id of the account.
    user_id: ID,
    /// The address they sign in with.
    email: String,
    /// What to call them.
    name: String,
    /// What they may do: almost always `VIEWER`. Owners of an app from before there were organizations
    /// have kept their role.
    role: Role,
    /// Since when they have seen it.
    created_at: Moment,
}

/// What an app's admins may know of its guests.
pub struct Guests(pub AppScope);

#[Object]
impl Guests {
    /// Those who see this app alone, without belonging to its organization, the earliest first. Takes the
    /// role `ADMIN`.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn guests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<AppGuest>> {
        use app_member::Column;
        let id = self.0.may::<ManageGuests>()?.scope().app_id();
        let page = Paginator::<(i64, Uuid)>::new(("guests", id), first, after)?;
        let rows = app_member::Entity::of_app(id).find_also_related(user::Entity);
        let mut rows = rows.limit(page.first() as u64 + 1);
        if let Some((created_at, user)) = page.after() {
            let same = Column::CreatedAt.eq(*created_at).and(Column::UserId.gt(*user));
            rows = rows.filter(Column::CreatedAt.gt(*created_at).or(same));
        }
        let rows = rows.all(&*ctx.app().db).await?;
        Ok(page.probed(rows, |(guest, _)| (guest.created_at, guest.user_id), AppGuest::from)?)
    }
}

impl From<(app_member::Model, Option<user::Model>)> for AppGuest {
    fn from((guest, account): (app_member::Model, Option<user::Model>)) -> Self {
        let (email, name) = account.map(|account| (account.email, account.name)).unwrap_or_default();
        Self {
            user_id: NodeId::User(guest.user_id).into(),
            email,
            name,
            role: guest.role.into(),
            created_at: Moment(guest.created_at),
        }
    }
}
