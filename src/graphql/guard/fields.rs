//! What a document asks for by name, once its shape is known to be bounded.

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};

use crate::auth::permission::{TABLE, Who};

/// Whether an operation of the document asks for the schema itself.
pub fn introspects(document: &ExecutableDocument) -> bool {
    fn asks(set: &SelectionSet) -> bool {
        set.items.iter().any(|item| match &item.node {
            Selection::Field(field) => {
                matches!(&*field.node.name.node, "__schema" | "__type") || asks(&field.node.selection_set.node)
            }
            Selection::InlineFragment(inline) => asks(&inline.node.selection_set.node),
            Selection::FragmentSpread(_) => false,
        })
    }
    document.operations.iter().any(|(_, operation)| asks(&operation.node.selection_set.node))
        || document.fragments.values().any(|fragment| asks(&fragment.node.selection_set.node))
}

/// Whether every operation of the document only asks.
pub fn only_asks(document: &ExecutableDocument) -> bool {
    document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// Mutations that hash a password of somebody who has signed in.
const HASHING: [&str; 2] = ["changePassword", "shareDashboard"];

/// How many mutations an operation holds that strangers may use, or that take the work of a hash: to try many passwords
/// in one request would be counted as one.
pub fn authentications(document: &ExecutableDocument, operation: &OperationDefinition) -> usize {
    if operation.ty != OperationType::Mutation {
        return 0;
    }
    fields_of(document, &operation.selection_set.node).into_iter().filter(|field| is_counted(&field.name.node)).count()
}

/// The fields of a selection set with its fragments written out, which is bounded by now.
pub fn fields_of<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet) -> Vec<&'a Field> {
    let mut found = Vec::new();
    roots(document, set, &mut found);
    found
}

fn roots<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, found: &mut Vec<&'a Field>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => found.push(&field.node),
            Selection::InlineFragment(inline) => roots(document, &inline.node.selection_set.node, found),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    roots(document, &fragment.node.selection_set.node, found);
                }
            }
        }
    }
}

/// Whether a mutation needs no sign-in, as it is one or makes up for one, or hashes a password.
fn is_counted(mutation: &str) -> bool {
    let is_it = |element: &str| element.strip_prefix("Mutation.") == Some(mutation);
    HASHING.contains(&mutation) || TABLE.iter().any(|(element, who)| *who == Who::Anyone && is_it(element))
}

#[cfg(test)]
mod tests {
    use super::{super::parse, *};

    fn document(query: &str) -> ExecutableDocument {
        parse(query, &Default::default()).expect("it is within bounds")
    }

    #[test]
    fn sign_ins_are_counted_wherever_they_stand() {
        for (query, count) in [
            ("mutation { signIn { token } }", 1),
            ("mutation { a: signIn { token } b: register { token } createApp { app { id } } }", 2),
            ("mutation { ...f ... { ...f } } fragment f on Mutation { signIn { token } }", 2),
            ("mutation { a: shareDashboard { url } b: shareDashboard { url } changePassword { token } }", 3),
            ("mutation { createApp { app { id } } }", 0),
            ("{ signIn signIn }", 0),
        ] {
            let document = document(query);
            let operation = document.operations.iter().next().expect("there is one").1;
            assert_eq!(authentications(&document, &operation.node), count, "{query}");
        }
    }

    #[test]
    fn introspection_is_found_wherever_it_stands() {
        for (query, does) in [
            ("{ __schema { types { name } } }", true),
            ("{ viewer { id } ...f } fragment f on Query { a: __type(name: \"App\") { name } }", true),
            ("{ ... on Query { __schema { types { name } } } }", true),
            ("{ __typename viewer { __typename } }", false),
        ] {
            assert_eq!(introspects(&document(query)), does, "{query}");
        }
    }
}
