//! Which panels list single people, or are about a single one: they are not shown to whoever has but a link.

use std::collections::HashSet;

use async_graphql::{
    ID, Value, Variables,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    apps::dashboard::Panel,
    auth::permission::PERSONAL_FIELDS,
    db::Db,
    entity::{goal, saved_segment},
    error::Result,
    graphql::{
        guard::{self, fields_of},
        id,
    },
};

/// Conditions of a filter that tell one person, or one visit, from others.
const TELLING: [&str; 2] = ["userId", "sessionId"];

/// Which of these panels of an app do, in their order. One that can not be read any more is taken for one that does.
pub async fn list_people(db: &Db, app: Uuid, panels: &[Panel]) -> Result<Vec<bool>> {
    let asked: Vec<Asked> = panels.iter().map(Asked::of).collect();
    let mut telling = HashSet::new();
    if asked.iter().any(|asked| asked.goals || !asked.segments.is_empty()) {
        let segments = saved_segment::Entity::of_app(app).all(&**db).await?;
        let tells = |row: &saved_segment::Model| Asked::of_stored(&row.filter).people;
        telling.extend(segments.into_iter().filter(tells).map(|row| row.id));
    }
    let do_goals = match asked.iter().any(|asked| asked.goals) {
        true => goal::Entity::of_app(app).all(&**db).await?.iter().any(|row| {
            let asked = Asked::of_stored(&row.filter);
            asked.people || asked.segments.iter().any(|segment| telling.contains(segment))
        }),
        false => false,
    };
    let lists = |asked: Asked| {
        asked.people || asked.goals && do_goals || asked.segments.iter().any(|segment| telling.contains(segment))
    };
    Ok(asked.into_iter().map(lists).collect())
}

/// What of a panel or of a filter decides that.
#[derive(Debug, Default)]
struct Asked {
    /// It does by itself.
    people: bool,
    /// It asks for the app's goals, whose filters may.
    goals: bool,
    /// It refers to these saved segments, which may.
    segments: Vec<Uuid>,
}

impl Asked {
    fn of(panel: &Panel) -> Self {
        let variables = Variables::from_json(panel.variables.clone());
        let mut asked = Self::default();
        let Ok(parsed) = guard::parse(&panel.document, &variables) else { return Self { people: true, ..asked } };
        for (_, operation) in parsed.operations.iter() {
            let operation = &operation.node;
            for root in fields_of(&parsed, &operation.selection_set.node) {
                for field in fields_of(&parsed, &root.selection_set.node) {
                    asked.people |= PERSONAL_FIELDS.contains(&field.name.node.as_str());
                    asked.goals |= field.name.node == "goals";
                }
            }
            for variable in &operation.variable_definitions {
                let default = variable.node.default_value.as_ref().map(|default| default.node.clone());
                asked.read(&default.and_then(|default| default.into_json().ok()).unwrap_or_default());
            }
        }
        asked.read(&panel.variables);
        asked.read_arguments(&parsed, &variables);
        asked
    }

    /// Of a filter as goals and saved segments keep it.
    fn of_stored(filter: &str) -> Self {
        let mut asked = Self::default();
        match serde_json::from_str(filter) {
            Ok(filter) => asked.read(&filter),
            Err(_) => asked.people = true,
        }
        asked
    }

    /// Whatever stands in the document itself.
    fn read_arguments(&mut self, document: &ExecutableDocument, variables: &Variables) {
        let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
        let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
        let mut sets: Vec<&SelectionSet> = operations.chain(fragments).collect();
        while let Some(set) = sets.pop() {
            for item in &set.items {
                match &item.node {
                    Selection::Field(field) => {
                        for (_, argument) in &field.node.arguments {
                            // A variable that is not given may have a default: it is something.
                            let value =
                                |name| Ok::<_, ()>(variables.get(&name).cloned().unwrap_or(Value::Boolean(true)));
                            let given = argument.node.clone().into_const_with(value).ok();
                            self.read(&given.and_then(|given| given.into_json().ok()).unwrap_or_default());
                        }
                        sets.push(&field.node.selection_set.node);
                    }
                    Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                    Selection::FragmentSpread(_) => {}
                }
            }
        }
    }

    /// As deep as the bounds of documents and of JSON let it be.
    fn read(&mut self, value: &Json) {
        match value {
            Json::Array(items) => items.iter().for_each(|item| self.read(item)),
            Json::Object(fields) => {
                for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                    self.people |= TELLING.contains(&name.as_str());
                    match value {
                        Json::String(id) if name == "segment" => {
                            self.segments.extend(id::saved_segment(&ID::from(id)).ok().map(|(_, segment)| segment));
                        }
                        _ => self.read(value),
                    }
                }
            }
            _ => {}
        }
    }
}
