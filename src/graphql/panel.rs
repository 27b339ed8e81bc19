//! What a panel of a dashboard may ask: one query about its own app, and of that the fields that
//! [`PANEL_FIELDS`] names. It is checked like a request before it is kept.

mod people;

use std::sync::Arc;

use async_graphql::{
    Positioned, Request, Response, ServerError, Value, Variables,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
    parser::types::{ExecutableDocument, Field, OperationType},
};
use uuid::Uuid;

pub use self::people::list_people;
use super::{
    Schema,
    guard::{self, Guarded, fields_of},
    id::NodeId,
};
use crate::{
    auth::permission::PANEL_FIELDS,
    error::{Error, Result},
};

/// Marks a document that is only to be validated, not run.
struct OnlyChecked;

/// Runs no document that is only to be validated.
pub struct Checks;

impl ExtensionFactory for Checks {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Checks {
    async fn execute(&self, ctx: &ExtensionContext<'_>, operation: Option<&str>, next: NextExecute<'_>) -> Response {
        if ctx.data_opt::<OnlyChecked>().is_some() {
            return Response::default();
        }
        next.run(ctx, operation).await
    }
}

/// Refuses a document that is no valid query about `app`, or asks for more than a panel may. `path` is where the
/// panel stands in the request.
pub async fn check(
    schema: &Schema,
    app: Uuid,
    document: &str,
    variables: &serde_json::Value,
    path: &str,
) -> Result<()> {
    let refuse = |message: String| Err(Error::invalid(format!("{path}.document"), message));
    let variables = Variables::from_json(variables.clone());
    let parsed = match guard::parse(document, &variables) {
        Ok(parsed) => parsed,
        Err(failure) => return refuse(failure.message),
    };
    let mut operations = parsed.operations.iter();
    let operation = match (operations.next(), operations.next()) {
        (Some((_, operation)), None) if operation.node.ty == OperationType::Query => &operation.node,
        _ => return refuse("A panel asks with a document of exactly one query.".into()),
    };
    for root in fields_of(&parsed, &operation.selection_set.node) {
        if root.name.node != "app" || !names(root, app, &variables) {
            return refuse(
                "A panel asks about its own app, by its id as a literal or a variable, and nothing else.".into(),
            );
        }
        for field in fields_of(&parsed, &root.selection_set.node) {
            if !PANEL_FIELDS.contains(&field.name.node.as_str()) {
                return refuse(format!("A panel may not ask for {} of its app.", field.name.node));
            }
        }
    }
    match validate(schema, document, parsed, variables).await {
        Some(failure) => refuse(failure.message),
        None => Ok(()),
    }
}

/// Why the schema refuses a document that was read; nothing where it would run it. Nothing of it is run.
pub async fn validate(
    schema: &Schema,
    document: &str,
    parsed: ExecutableDocument,
    variables: Variables,
) -> Option<ServerError> {
    let mut request = Request::new(document).variables(variables).data(OnlyChecked).data(Guarded);
    request.set_parsed_query(parsed);
    schema.execute(request).await.errors.into_iter().next()
}

/// Whether the id that a field is given is the one of `app`.
fn names(field: &Field, app: Uuid, variables: &Variables) -> bool {
    let id = Value::String(NodeId::App(app).to_string());
    let given = field.get_argument("id").map(|Positioned { node, .. }| node);
    let given =
        given.and_then(|given| given.clone().into_const_with(|name| variables.get(&name).cloned().ok_or(())).ok());
    given == Some(id)
}
