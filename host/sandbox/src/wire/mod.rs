//! The contract of `wit/plugin.wit` as Rust: generated, one set over everything.
//!
//! One world that has everything is generated; what a plugin may leave out is probed by the indices of the single interface, never by
//! those of the world, which insist on all of them. The shared types come from [`types`] instead, so that a batch
//! can be lowered from text that the host already holds.

#![expect(unreachable_pub, reason = "generated")]
#![allow(missing_docs, reason = "generated from wit/, where it is documented")]

pub mod types;

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package eventdbx:sandbox;
        world every-kind {
            include eventdbx:plugin/read-model-with-queries@0.1.0;
            include eventdbx:plugin/transport@0.1.0;
            include eventdbx:plugin/gateway@0.1.0;
            import wasi:http/outgoing-handler@0.2.12;
        }
    ",
    world: "eventdbx:sandbox/every-kind",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: { default: trappable },
    with: {
        "eventdbx:plugin/types": crate::wire::types,
        "eventdbx:plugin/outbound.connection": crate::network::OpenConnection,
        "wasi:http/types.fields": crate::http::Fields,
        "wasi:http/types.incoming-request": crate::http::IncomingRequest,
        "wasi:http/types.incoming-response": crate::http::IncomingResponse,
        "wasi:http/types.incoming-body": crate::http::IncomingBody,
        "wasi:http/types.future-trailers": crate::http::FutureTrailers,
        "wasi:http/types.future-incoming-response": crate::http::FutureResponse,
        "wasi:http/types.outgoing-request": crate::http::OutgoingRequest,
        "wasi:http/types.outgoing-response": crate::http::OutgoingResponse,
        "wasi:http/types.outgoing-body": crate::http::OutgoingBody,
        "wasi:http/types.request-options": crate::http::RequestOptions,
        "wasi:http/types.response-outparam": crate::http::ResponseOutparam,
        "wasi:io/error.error": crate::http::IoError,
        "wasi:io/poll.pollable": crate::http::Pollable,
        "wasi:io/streams.input-stream": crate::http::InputStream,
        "wasi:io/streams.output-stream": crate::http::OutputStream,
    },
});
