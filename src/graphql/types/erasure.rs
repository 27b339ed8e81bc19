//! Receipts of people who were erased.

use async_graphql::{Context, Description, ID, Object};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    analytics::BigInt,
    auth::{AppScope, Granted, permission::ErasePeople},
    clock::Moment,
    entity::{
        erasure::{Column, Entity, Model},
        user,
    },
    graphql::{
        context::ContextExt,
        error::Result,
        page::{self, Page, Paginator},
    },
};

/// The receipt of a person who was erased from an app. It does not say who that was; whoever has an id
/// of theirs can find the receipt by it (`App.erasure`).
#[derive(Description)]
pub struct Erasure(pub Model);

/// A page of an app's receipts, the latest first.
async fn page(
    ctx: &Context<'_>,
    may: Granted<ErasePeople>,
    first: i32,
    after: Option<String>,
) -> Result<Page<Erasure>> {
    let scope = may.scope();
    let page = Paginator::<Uuid>::new(("erasures", scope.app_id()), first, after)?;
    let mut receipts = Entity::of_app(scope.app_id()).limit(page.first() as u64 + 1);
    if let Some(id) = page.after() {
        receipts = receipts.filter(Column::Id.lt(*id));
    }
    let receipts = receipts.all(&*ctx.app().db).await?;
    Ok(page.probed(receipts, |receipt| receipt.id, Erasure)?)
}

fn count(number: i64) -> BigInt {
    BigInt(number.try_into().unwrap_or_default())
}

#[Object(use_type_description)]
impl Erasure {
    /// Identifies the receipt, for your records.
    async fn receipt_id(&self) -> ID {
        self.0.id.simple().to_string().into()
    }

    /// When it was asked for. What arrived until then is gone; what arrived later counts as new.
    async fn requested_at(&self) -> Moment {
        Moment(self.0.requested_at)
    }

    /// The e-mail address of the account that asked; null where there is no such account any more.
    async fn requested_by(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let account = user::Entity::find_by_id(self.0.requested_by).one(&*ctx.app().db).await?;
        Ok(account.map(|account| account.email))
    }

    /// When nothing was left; null while it is under way. The server finishes it by itself, also after a
    /// crash.
    async fn finished_at(&self) -> Option<Moment> {
        self.0.finished_at.map(Moment)
    }

    /// Number of stored events that were removed.
    async fn events(&self) -> BigInt {
        count(self.0.events)
    }

    /// Number of sessions they were of.
    async fn sessions(&self) -> BigInt {
        count(self.0.sessions)
    }

    /// Number of segments that were written anew without them.
    async fn segments(&self) -> BigInt {
        count(self.0.segments)
    }

    /// Number of events that were removed while they waited on this server's disk for the database.
    async fn spooled_events(&self) -> BigInt {
        count(self.0.spooled)
    }

    /// Number of dead letters that were removed.
    async fn dead_letters(&self) -> BigInt {
        count(self.0.dead_letters)
    }
}

/// What an app's admins may know of who was erased.
pub struct Erasures(pub AppScope);

#[Object]
impl Erasures {
    /// Receipts of people who were erased from the app, the latest first. Only its admins and owner see them.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn erasures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<Erasure>> {
        page(ctx, self.0.may()?, first, after).await
    }

    /// The latest receipt of a person, found by any of the ids that were erased with them; null where
    /// nobody with this id was erased. Only the app's admins and owner may ask.
    async fn erasure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A user id, or an anonymous id.")] user_id: String,
    ) -> Result<Option<Erasure>> {
        Ok(ctx.app().eraser().last(self.0.may()?, &user_id).await?.map(Erasure))
    }
}
