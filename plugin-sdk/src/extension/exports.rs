//! Between the contract and the traits: what stands behind the exports of a schema extension.

use std::marker::PhantomData;

use super::{
    Exported, OldEvent, ProposedEvent, Verdict, Violation,
    bindings::{
        eventdbx::plugin::types,
        exports::eventdbx::plugin::{column_types, meta, rules, upcast},
    },
};

/// Stands for `E` towards the bindings.
pub struct Guest<E>(PhantomData<E>);

impl<E: Exported> meta::Guest for Guest<E> {
    fn describe() -> meta::Descriptor {
        meta::Descriptor {
            name: E::NAME.into(),
            version: E::VERSION.into(),
            kind: meta::Kind::SchemaExtension,
            config_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
            selector: meta::Selector {
                aggregate_types: Vec::new(),
                aggregate_ids: Vec::new(),
                event_types: Vec::new(),
                parts: types::Parts::empty(),
                fields: meta::FieldFilter::All,
            },
            tables: Vec::new(),
            queries: Vec::new(),
            state_version: 1,
            capabilities: Vec::new(),
        }
    }

    fn check_config(config: String) -> Result<(), types::Failure> {
        let refused = |_| types::Failure {
            code: "bad-config".into(),
            message: "a schema extension takes no configuration".into(),
            detail: None,
        };
        serde_json::from_str::<crate::NoConfig>(&config).map(drop).map_err(refused)
    }

    fn init(_: meta::StartContext) -> Result<(), types::Failure> {
        Ok(())
    }
}

impl<E: Exported> column_types::Guest for Guest<E> {
    fn declared() -> Vec<column_types::TypeDeclaration> {
        let declaration = |it: &super::DeclaredType| column_types::TypeDeclaration {
            name: it.name.into(),
            params_schema: (it.params_schema)().to_string(),
            description: it.description.into(),
        };
        E::extension().types.iter().map(declaration).collect()
    }

    fn check_params(columns: Vec<column_types::ColumnType>) -> Vec<Vec<types::Violation>> {
        let extension = E::extension();
        columns.iter().map(|it| told(extension.judge_params(&it.type_name, &it.params))).collect()
    }

    fn check_values(values: Vec<column_types::TypedValue>) -> Vec<column_types::Verdict> {
        let extension = E::extension();
        let verdict = |it: &column_types::TypedValue| match extension.judge(&it.type_name, &it.params, &it.value) {
            Verdict::Accepted => column_types::Verdict::Accepted,
            Verdict::Normalized(value) => column_types::Verdict::Normalized(value.to_string()),
            Verdict::Rejected(violations) => column_types::Verdict::Rejected(told(violations)),
        };
        values.iter().map(verdict).collect()
    }

    fn index_keys(values: Vec<column_types::TypedValue>) -> Vec<Option<Vec<u8>>> {
        let extension = E::extension();
        values.iter().map(|it| extension.index_key(&it.type_name, &it.params, &it.value)).collect()
    }
}

impl<E: Exported> rules::Guest for Guest<E> {
    fn declared() -> Vec<rules::RuleDeclaration> {
        let owned = |list: &[&str]| list.iter().map(|&item| item.into()).collect();
        let declaration = |it: &super::DeclaredRule| rules::RuleDeclaration {
            name: it.name.into(),
            description: it.description.into(),
            event_types: owned(it.event_types),
            state_fields: owned(it.state_fields),
        };
        E::extension().rules.iter().map(declaration).collect()
    }

    fn check_append(events: Vec<rules::ProposedEvent>) -> Vec<Vec<types::Violation>> {
        let extension = E::extension();
        let check = |it: &rules::ProposedEvent| {
            let event = ProposedEvent {
                aggregate_type: &it.aggregate_type,
                aggregate_id: &it.aggregate_id,
                event_type: &it.event_type,
                payload: &it.payload,
                before: it.before.as_deref(),
                after: &it.after,
            };
            told(extension.object(&it.rule, &event))
        };
        events.iter().map(check).collect()
    }
}

impl<E: Exported> upcast::Guest for Guest<E> {
    fn declared() -> Vec<upcast::UpcasterDeclaration> {
        let declaration = |it: &super::DeclaredUpcaster| upcast::UpcasterDeclaration {
            name: it.name.into(),
            params_schema: (it.params_schema)().to_string(),
            description: it.description.into(),
        };
        E::extension().upcasters.iter().map(declaration).collect()
    }

    fn check_params(upcasters: Vec<upcast::Upcaster>) -> Vec<Vec<types::Violation>> {
        let extension = E::extension();
        upcasters.iter().map(|it| told(extension.judge_upcaster(&it.name, &it.params))).collect()
    }

    fn upcast(events: Vec<upcast::OldEvent>) -> Vec<Result<String, types::Violation>> {
        let extension = E::extension();
        let upcast = |it: &upcast::OldEvent| {
            let event = OldEvent { aggregate_type: &it.aggregate_type, event_type: &it.event_type };
            let shaped = extension.upcast(&it.upcaster.name, &it.upcaster.params, event, &it.payload);
            shaped.map(|payload| payload.to_string()).map_err(violation)
        };
        events.iter().map(upcast).collect()
    }
}

fn told(violations: Vec<Violation>) -> Vec<types::Violation> {
    violations.into_iter().map(violation).collect()
}

fn violation(it: Violation) -> types::Violation {
    types::Violation { path: it.path, code: it.code, message: it.message }
}
