//! Between the SDK and the interface `meta`, of which every world has types of its own, however alike they are: what leads
//! from the ones to the others is written once, here, and made for a world by a macro where its `meta` is in scope.

/// Makes `started`: configuration and context of an instance that starts.
macro_rules! started {
    () => {
        fn started(context: meta::StartContext) -> (String, crate::StartContext) {
            let reason = match context.reason {
                meta::StartReason::FirstStart => crate::StartReason::FirstStart,
                meta::StartReason::Restart => crate::StartReason::Restart,
                meta::StartReason::UpgradedFrom(version) => crate::StartReason::UpgradedFrom(version),
                meta::StartReason::Rebuild => crate::StartReason::Rebuild,
                meta::StartReason::Query => crate::StartReason::Query,
            };
            (context.config, crate::StartContext { domain: context.domain, reason })
        }
    };
}

/// Makes `descriptor`: what a plugin of another kind than a read model says of itself. Tables and queries are a read
/// model's.
macro_rules! descriptor {
    ($kind:ident) => {
        fn descriptor(descriptor: crate::bindings::exports::eventdbx::plugin::meta::Descriptor) -> meta::Descriptor {
            use crate::bindings::exports::eventdbx::plugin::meta::FieldFilter;

            meta::Descriptor {
                name: descriptor.name,
                version: descriptor.version,
                kind: meta::Kind::$kind,
                config_schema: descriptor.config_schema,
                selector: meta::Selector {
                    aggregate_types: descriptor.selector.aggregate_types,
                    aggregate_ids: descriptor.selector.aggregate_ids,
                    event_types: descriptor.selector.event_types,
                    parts: meta::Parts::from_bits_truncate(descriptor.selector.parts.bits()),
                    fields: match descriptor.selector.fields {
                        FieldFilter::All => meta::FieldFilter::All,
                        FieldFilter::Only(pointers) => meta::FieldFilter::Only(pointers),
                        FieldFilter::Except(pointers) => meta::FieldFilter::Except(pointers),
                    },
                },
                tables: Vec::new(),
                queries: Vec::new(),
                state_version: descriptor.state_version,
                capabilities: descriptor.capabilities,
            }
        }
    };
}

pub(crate) use {descriptor, started};
