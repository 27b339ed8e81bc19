//! Bounds on the shape of a parsed document, before anything walks it with its fragments expanded.
//!
//! Every fragment is measured once and its measure reused wherever it is spread, so measuring
//! takes time in proportion to the text, whatever the text would expand to.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};

use super::{MAX_DEPTH, too_much};
use crate::error::{Error, Result};

/// Operations in one document; one of them is run.
const MAX_OPERATIONS: usize = 50;
/// Fragments with a name.
const MAX_FRAGMENTS: usize = 100;
/// Variables of one operation.
const MAX_VARIABLES: usize = 100;
/// Fields under another name.
const MAX_ALIASES: usize = 100;
/// `@skip`, `@include` and the like.
const MAX_DIRECTIVES: usize = 100;
/// Fields, fragments and arguments once every fragment is written out where it is spread.
const MAX_EXPANDED: usize = 10_000;
/// Selection sets within one another once every fragment is written out; bounds our own recursion.
const MAX_STEPS: usize = 30;
/// Bytes of arguments that count like one field.
const ARGUMENT_BYTES: usize = 16;

/// Whether an operation asks one thing of one object, so that no read has to wait for others that could
/// share it.
pub fn asks_one(operation: &OperationDefinition) -> bool {
    fn only(set: &SelectionSet) -> Option<&Field> {
        let mut asking = set.items.iter().filter_map(|selection| match &selection.node {
            Selection::Field(field) if field.node.selection_set.node.items.is_empty() => None,
            Selection::Field(field) => Some(Some(&field.node)),
            _ => Some(None),
        });
        asking.next().flatten().filter(|_| asking.next().is_none())
    }
    only(&operation.selection_set.node).is_some_and(|object| only(&object.selection_set.node).is_some())
}

/// Refuses a document that would cost too much to validate.
pub(super) fn check(document: &ExecutableDocument) -> Result<()> {
    if document.operations.iter().count() > MAX_OPERATIONS {
        return Err(too_much("operations", MAX_OPERATIONS));
    }
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(too_much("fragments", MAX_FRAGMENTS));
    }
    let mut meter = Meter { document, fragments: HashMap::new(), aliases: 0, directives: 0 };
    let mut expanded = 0usize;
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        if operation.variable_definitions.len() > MAX_VARIABLES {
            return Err(too_much("variables", MAX_VARIABLES));
        }
        for variable in &operation.variable_definitions {
            meter.count_directives(&variable.node.directives)?;
        }
        meter.count_directives(&operation.directives)?;
        let measure = meter.selections(&operation.selection_set.node, 0)?;
        expanded = expanded.saturating_add(measure.expanded);
        if measure.depth > MAX_DEPTH {
            return Err(too_much("levels of fields", MAX_DEPTH));
        }
        if expanded > MAX_EXPANDED {
            return Err(too_much("fields with its fragments written out", MAX_EXPANDED));
        }
    }
    // Fragments that nothing spreads are refused by validation, which walks them as they stand.
    for name in document.fragments.keys() {
        meter.fragment(name, 0)?;
    }
    Ok(())
}

/// What a selection set amounts to with its fragments written out.
#[derive(Clone, Copy, Default)]
struct Measure {
    expanded: usize,
    depth: usize,
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    /// What is known of a fragment; none while it is being measured.
    fragments: HashMap<&'a Name, Option<Measure>>,
    aliases: usize,
    directives: usize,
}

impl<'a> Meter<'a> {
    fn selections(&mut self, set: &'a SelectionSet, steps: usize) -> Result<Measure> {
        if steps > MAX_STEPS {
            return Err(too_much("levels of fields and fragments", MAX_STEPS));
        }
        let mut whole = Measure::default();
        for item in &set.items {
            self.count_directives(item.node.directives())?;
            let (own, below, levels) = match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    self.aliases += usize::from(field.alias.is_some());
                    if self.aliases > MAX_ALIASES {
                        return Err(too_much("aliases", MAX_ALIASES));
                    }
                    let arguments = field.arguments.iter().map(|(_, value)| value.node.to_string().len());
                    let own = 1 + field.arguments.len() + arguments.sum::<usize>() / ARGUMENT_BYTES;
                    (own, self.selections(&field.selection_set.node, steps + 1)?, 1)
                }
                Selection::InlineFragment(inline) => {
                    (1, self.selections(&inline.node.selection_set.node, steps + 1)?, 0)
                }
                Selection::FragmentSpread(spread) => (1, self.fragment(&spread.node.fragment_name.node, steps)?, 0),
            };
            whole.expanded = whole.expanded.saturating_add(own).saturating_add(below.expanded);
            whole.depth = whole.depth.max(below.depth.saturating_add(levels));
        }
        Ok(whole)
    }

    fn fragment(&mut self, name: &Name, steps: usize) -> Result<Measure> {
        // A spread of nothing is for validation to explain.
        let Some((name, definition)) = self.document.fragments.get_key_value(name) else {
            return Ok(Measure::default());
        };
        match self.fragments.get(name) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => {
                let message = format!("The fragment \"{name}\" spreads itself.");
                return Err(Error::Invalid { field: None, message });
            }
            None => {}
        }
        self.fragments.insert(name, None);
        self.count_directives(&definition.node.directives)?;
        let measure = self.selections(&definition.node.selection_set.node, steps + 1)?;
        self.fragments.insert(name, Some(measure));
        Ok(measure)
    }

    fn count_directives(&mut self, directives: &[Positioned<Directive>]) -> Result<()> {
        self.directives += directives.len();
        if self.directives > MAX_DIRECTIVES { Err(too_much("directives", MAX_DIRECTIVES)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::parse, *};

    fn code(query: &str) -> Option<String> {
        let code = parse(query, &Default::default()).err()?.extensions?.get("code")?.to_string();
        Some(code.trim_matches('"').to_owned())
    }

    #[test]
    fn fragments_that_double_are_measured_without_being_expanded() {
        let mut query = String::from("{ ...f0 }");
        for i in 0..60 {
            query += &format!(" fragment f{i} on Query {{ ...f{0} ...f{0} }}", i + 1);
        }
        query += " fragment f60 on Query { viewer { id } }";
        assert_eq!(code(&query).as_deref(), Some("COST_EXCEEDED"));
    }

    #[test]
    fn cycles_end() {
        assert_eq!(
            code("{ ...a } fragment a on Q { ...b } fragment b on Q { ...a }").as_deref(),
            Some("BAD_USER_INPUT")
        );
        assert_eq!(code("{ x } fragment a on Q { x { ...a } }").as_deref(), Some("BAD_USER_INPUT"));
    }

    #[test]
    fn long_arguments_count_wherever_they_are_spread() {
        let list = "1 ".repeat(1_000);
        let spreads = "...f ".repeat(100);
        let query = format!("{{ {spreads} }} fragment f on Query {{ x(y: [{list}]) }}");
        assert_eq!(code(&query).as_deref(), Some("COST_EXCEEDED"));
    }

    #[test]
    fn an_ordinary_document_passes() {
        assert_eq!(
            code("query A($x: Int = 1) { a: x(y: $x) { ...f ... on B { z } } } fragment f on C { d @skip(if: true) }"),
            None
        );
    }

    #[test]
    fn depth_aliases_and_directives_are_bounded() {
        let deep = |levels: usize| format!("{{ {} x {} }}", "x {".repeat(levels), "}".repeat(levels));
        assert_eq!(code(&deep(MAX_DEPTH - 1)), None);
        assert_eq!(code(&deep(MAX_DEPTH)).as_deref(), Some("COST_EXCEEDED"));
        let aliases: String = (0..=MAX_ALIASES).map(|i| format!("a{i}: x ")).collect();
        assert_eq!(code(&format!("{{ {aliases} }}")).as_deref(), Some("COST_EXCEEDED"));
        let directives = "@a ".repeat(MAX_DIRECTIVES + 1);
        assert_eq!(code(&format!("{{ x {directives} }}")).as_deref(), Some("COST_EXCEEDED"));
    }
}
