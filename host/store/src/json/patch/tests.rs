//! JSON Patch: what RFC 6902 says, and the limits of ours.

use serde_json::json;

use super::*;

fn patched(mut state: Value, patch: &Value) -> Result<Value, PatchFault> {
    let before = state.clone();
    let result = apply_patch(&mut state, &patch.to_string());
    if result.is_err() {
        assert_eq!(state, before, "a failed patch leaves nothing behind");
    }
    result.map(|()| state)
}

/// RFC 6902, appendix A, those that succeed.
#[test]
fn the_examples_of_the_rfc() {
    let waldo = json!({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}});
    let examples = [
        (json!({"foo":"bar"}), json!([{"op":"add","path":"/baz","value":"qux"}]), json!({"baz":"qux","foo":"bar"})),
        (
            json!({"foo":["bar","baz"]}),
            json!([{"op":"add","path":"/foo/1","value":"qux"}]),
            json!({"foo":["bar","qux","baz"]}),
        ),
        (json!({"baz":"qux","foo":"bar"}), json!([{"op":"remove","path":"/baz"}]), json!({"foo":"bar"})),
        (json!({"foo":["bar","qux","baz"]}), json!([{"op":"remove","path":"/foo/1"}]), json!({"foo":["bar","baz"]})),
        (
            json!({"baz":"qux","foo":"bar"}),
            json!([{"op":"replace","path":"/baz","value":"boo"}]),
            json!({"baz":"boo","foo":"bar"}),
        ),
        (
            waldo,
            json!([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]),
            json!({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}),
        ),
        (
            json!({"foo":["all","grass","cows","eat"]}),
            json!([{"op":"move","from":"/foo/1","path":"/foo/3"}]),
            json!({"foo":["all","cows","eat","grass"]}),
        ),
        (
            json!({"baz":"qux","foo":["a",2,"c"]}),
            json!([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]),
            json!({"baz":"qux","foo":["a",2,"c"]}),
        ),
        (
            json!({"foo":"bar"}),
            json!([{"op":"add","path":"/child","value":{"grandchild":{}}}]),
            json!({"foo":"bar","child":{"grandchild":{}}}),
        ),
        (
            json!({"foo":"bar"}),
            json!([{"op":"add","path":"/baz","value":"qux","xyz":123}]),
            json!({"foo":"bar","baz":"qux"}),
        ),
        (json!({"/":9,"~1":10}), json!([{"op":"test","path":"/~01","value":10}]), json!({"/":9,"~1":10})),
        (
            json!({"foo":["bar"]}),
            json!([{"op":"add","path":"/foo/-","value":["abc","def"]}]),
            json!({"foo":["bar",["abc","def"]]}),
        ),
    ];
    for (state, patch, result) in examples {
        assert_eq!(patched(state, &patch), Ok(result), "{patch}");
    }
}

/// RFC 6902, appendix A, those that fail, and more; always after an operation that would have succeeded.
#[test]
fn a_patch_that_fails_says_where_and_leaves_nothing_behind() {
    let failing = [
        json!({"op":"test","path":"/baz","value":"bar"}),
        json!({"op":"add","path":"/no/bat","value":"qux"}),
        json!({"op":"test","path":"/~01","value":"10"}),
        json!({"op":"remove","path":"/no"}),
        json!({"op":"remove","path":""}),
        json!({"op":"replace","path":"/no","value":1}),
        json!({"op":"move","from":"/no","path":"/a"}),
        json!({"op":"move","from":"/list","path":"/list/0"}),
        json!({"op":"copy","from":"/no","path":"/a"}),
        json!({"op":"add","path":"/list/9","value":1}),
        json!({"op":"add","path":"/list/01","value":1}),
        json!({"op":"replace","path":"/list/-","value":1}),
        json!({"op":"add","path":"baz","value":1}),
        json!({"op":"add","path":"/b~2","value":1}),
        json!({"op":"add","path":"/b"}),
        json!({"op":"add","value":1}),
        json!({"op":"jump","path":"/baz"}),
        json!({"path":"/baz"}),
        json!(7),
    ];
    for operation in failing {
        let patch = json!([{"op":"move","from":"/list","path":""}, {"op":"replace","path":"","value":{"list":[1,2]}}, operation]);
        let fault = patched(json!({"baz":"qux","~1":10,"list":[1,2]}), &patch).expect_err(&operation.to_string());
        assert_eq!(fault.index, 2, "{operation}");
    }
}

#[test]
fn a_fault_repeats_neither_paths_nor_values() {
    let patch = json!([{"op":"s3cr3t","path":"/s3cr3t","value":"s3cr3t"}]);
    assert!(!patched(json!({}), &patch).expect_err("no such operation").message.contains("s3cr3t"));
    let patch = json!([{"op":"test","path":"/s3cr3t","value":"s3cr3t"}]);
    assert!(!patched(json!({}), &patch).expect_err("nothing there").message.contains("s3cr3t"));
}

#[test]
fn numbers_are_compared_by_value() {
    let state = json!({"a": 1});
    assert!(patched(state.clone(), &json!([{"op":"test","path":"/a","value":1.0}])).is_ok());
    assert!(patched(state, &json!([{"op":"test","path":"/a","value":1.5}])).is_err());
}

#[test]
fn copies_that_double_the_state_are_stopped() {
    let copy = json!({"op":"copy","from":"","path":"/a"});
    let doubling: Vec<_> = (0..60).map(|n| json!({"op":"copy","from":"/text","path":format!("/{n}")})).collect();
    let fault = patched(json!({"text":"x".repeat(10_000)}), &json!(doubling)).expect_err("600,000 bytes");
    assert!(fault.index == 26 && fault.message.contains("STATE_BYTES"), "{fault:?}");
    let fault = patched(json!({"a":1}), &json!(vec![copy; 100])).expect_err("2^100 copies");
    assert!(fault.message.contains("JSON_DEPTH"), "{fault:?}");
}

#[test]
fn nesting_has_a_limit() {
    let path = |depth: usize| "/a".repeat(depth);
    let add: Vec<_> =
        (1..=limits::JSON_DEPTH + 1).map(|depth| json!({"op":"add","path":path(depth),"value":{}})).collect();
    let fault = patched(json!({}), &json!(add)).expect_err("65 deep");
    assert_eq!(fault.index, limits::JSON_DEPTH - 1, "the state itself is the first level");
    let mut moved = vec![json!({"op":"add","path":"/b","value":{}})];
    moved.extend(add[..40].iter().cloned());
    moved.push(json!({"op":"move","from":"/a","path":"/b/a"}));
    moved.extend(add[..40].iter().cloned());
    moved.push(json!({"op":"move","from":"/a","path":format!("/b{}/a", path(40))}));
    assert_eq!(patched(json!({}), &json!(moved)).expect_err("80 deep").index, 82);
}

#[test]
fn operations_have_a_limit() {
    let test = json!({"op":"test","path":"","value":{}});
    assert!(patched(json!({}), &json!(vec![test.clone(); limits::PATCH_OPERATIONS])).is_ok());
    let fault = patched(json!({}), &json!(vec![test; limits::PATCH_OPERATIONS + 1])).expect_err("too many");
    assert!(fault.message.contains("PATCH_OPERATIONS"), "{fault:?}");
}
