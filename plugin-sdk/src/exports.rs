//! Between the contract and the trait: what stands behind the exports of a component.

use std::marker::PhantomData;

use crate::{
    Failure, Query, QueryError, StartContext, StartReason,
    bindings::{
        exports::eventdbx::plugin::{handler, meta, queryable},
        types,
    },
    deliver,
    guest::{Exported, make},
    table::HostTables,
};

/// Stands for `M` towards the bindings.
pub struct Guest<M>(PhantomData<M>);

impl<M: Exported> meta::Guest for Guest<M> {
    fn describe() -> meta::Descriptor {
        M::describe().into_contract(M::NAME, M::VERSION, M::STATE_VERSION)
    }

    fn check_config(config: String) -> Result<(), types::Failure> {
        let context = StartContext { domain: String::new(), reason: StartReason::FirstStart };
        make::<M>(&config, &context).map(drop).map_err(Into::into)
    }

    fn init(context: meta::StartContext) -> Result<(), types::Failure> {
        let (config, context) = started(context);
        start::<M>(&config, &context).map_err(Into::into)
    }
}

impl<M: Exported> handler::Guest for Guest<M> {
    fn handle_batch(batch: types::Batch) -> Result<types::Ack, types::HandleError> {
        let unstarted = |failure: Failure| types::HandleError::Fatal(failure.into());
        let skipped = with::<M, _>(|model| deliver::deliver(model, &batch, &HostTables)).map_err(unstarted)?;
        Ok(types::Ack { skipped: skipped? })
    }
}

impl<M: Exported> queryable::Guest for Guest<M> {
    fn query(name: String, params: String, cursor: Option<String>) -> Result<queryable::Answer, queryable::QueryError> {
        let query = Query::new(&name, &params, cursor.as_deref());
        let answer = with::<M, _>(|model| deliver::answer(model, &query, &HostTables));
        match answer.unwrap_or_else(|failure| Err(QueryError::Failed(failure))) {
            Ok(answer) => Ok(queryable::Answer { body: answer.body, next: answer.next }),
            Err(QueryError::UnknownQuery) => Err(queryable::QueryError::UnknownQuery),
            Err(QueryError::BadParams(reason)) => Err(queryable::QueryError::BadParams(reason)),
            Err(QueryError::Failed(failure)) => Err(queryable::QueryError::Failed(failure.into())),
        }
    }
}

crate::meta::started!();

fn start<M: Exported>(config: &str, context: &StartContext) -> Result<(), Failure> {
    crate::host::log_panics();
    let model = make::<M>(config, context)?;
    let again = |_| Failure::new("started-twice", "an instance starts once");
    M::instance().with(|instance| instance.set(model)).map_err(again)
}

fn with<M: Exported, R>(act: impl FnOnce(&M) -> R) -> Result<R, Failure> {
    M::instance().with(|instance| match instance.get() {
        Some(model) => Ok(act(model)),
        None => Err(Failure::new("not-started", "`init` comes before anything else")),
    })
}
