//! Keys as bytes that sort as the keys do.
//!
//! | type | bytes |
//! |---|---|
//! | unsigned integers | big-endian |
//! | signed integers | big-endian, the sign bit turned |
//! | `bool` | 0 or 1 |
//! | `String` | its bytes, if nothing follows; otherwise with 00 written as 00 FF, and 00 00 at its end |
//! | tuples | one after the other |
//! | [`Reverse`] | as if something followed, every bit turned |

use std::cmp::Reverse;

/// A key of a table.
pub trait TableKey: Sized {
    /// The key as it is given to [`Tables`](crate::Tables): `&str` for `String`, a tuple of such for a tuple.
    type Ref<'a>: Copy;

    /// What the host calls it in a declaration: `text`, `u64` or `bytes`.
    const FORMAT: &'static str = "bytes";

    /// Appends the bytes of `key`. `last`: no other part follows.
    fn encode(key: Self::Ref<'_>, last: bool, bytes: &mut Vec<u8>);

    /// Takes a key off the front of `bytes`; none if they are no such key.
    fn decode(bytes: &mut &[u8], last: bool) -> Option<Self>;
}

macro_rules! integer_keys {
    ($($signed:ty as $unsigned:ty, $format:literal);*) => {$(
        impl TableKey for $unsigned {
            type Ref<'a> = $unsigned;

            const FORMAT: &'static str = $format;

            fn encode(key: $unsigned, _last: bool, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&key.to_be_bytes());
            }

            fn decode(bytes: &mut &[u8], _last: bool) -> Option<Self> {
                let (head, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_be_bytes(*head))
            }
        }

        impl TableKey for $signed {
            type Ref<'a> = $signed;

            fn encode(key: $signed, last: bool, bytes: &mut Vec<u8>) {
                <$unsigned>::encode(key.cast_unsigned() ^ (1 << (<$unsigned>::BITS - 1)), last, bytes);
            }

            fn decode(bytes: &mut &[u8], last: bool) -> Option<Self> {
                Some((<$unsigned>::decode(bytes, last)? ^ (1 << (<$unsigned>::BITS - 1))).cast_signed())
            }
        }
    )*};
}

integer_keys!(i8 as u8, "bytes"; i16 as u16, "bytes"; i32 as u32, "bytes"; i64 as u64, "u64");

impl TableKey for bool {
    type Ref<'a> = bool;

    fn encode(key: bool, _last: bool, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(key));
    }

    fn decode(bytes: &mut &[u8], last: bool) -> Option<Self> {
        match u8::decode(bytes, last)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl TableKey for String {
    type Ref<'a> = &'a str;

    const FORMAT: &'static str = "text";

    fn encode(key: &str, last: bool, bytes: &mut Vec<u8>) {
        if last {
            bytes.extend_from_slice(key.as_bytes());
            return;
        }
        for byte in key.bytes() {
            bytes.push(byte);
            if byte == 0 {
                bytes.push(0xFF);
            }
        }
        bytes.extend_from_slice(&[0, 0]);
    }

    fn decode(bytes: &mut &[u8], last: bool) -> Option<Self> {
        let mut text = Vec::new();
        if last {
            text.extend_from_slice(std::mem::take(bytes));
            return Self::from_utf8(text).ok();
        }
        loop {
            match u8::decode(bytes, false)? {
                0 => match u8::decode(bytes, false)? {
                    0 => return Self::from_utf8(text).ok(),
                    0xFF => text.push(0),
                    _ => return None,
                },
                byte => text.push(byte),
            }
        }
    }
}

impl<K: TableKey> TableKey for Reverse<K> {
    type Ref<'a> = Reverse<K::Ref<'a>>;

    fn encode(key: Reverse<K::Ref<'_>>, _last: bool, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        K::encode(key.0, false, bytes);
        for byte in bytes.iter_mut().skip(start) {
            *byte = !*byte;
        }
    }

    fn decode(bytes: &mut &[u8], _last: bool) -> Option<Self> {
        let turned: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
        let mut rest = &turned[..];
        let key = K::decode(&mut rest, false)?;
        *bytes = bytes.get(turned.len() - rest.len()..)?;
        Some(Self(key))
    }
}

macro_rules! tuple_keys {
    ($($part:ident $index:tt),*; $last:ident $last_index:tt) => {
        impl<$($part: TableKey,)* $last: TableKey> TableKey for ($($part,)* $last) {
            type Ref<'a> = ($($part::Ref<'a>,)* $last::Ref<'a>);

            fn encode(key: Self::Ref<'_>, last: bool, bytes: &mut Vec<u8>) {
                $($part::encode(key.$index, false, bytes);)*
                $last::encode(key.$last_index, last, bytes);
            }

            fn decode(bytes: &mut &[u8], last: bool) -> Option<Self> {
                Some(($($part::decode(bytes, false)?,)* $last::decode(bytes, last)?))
            }
        }
    };
}

tuple_keys!(A 0; B 1);
tuple_keys!(A 0, B 1; C 2);
tuple_keys!(A 0, B 1, C 2; D 3);

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<K: TableKey>(key: K::Ref<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        K::encode(key, true, &mut bytes);
        bytes
    }

    /// Encodes ascending keys, which must give ascending bytes that decode to the same keys.
    fn ascend<K: TableKey + PartialEq + std::fmt::Debug>(keys: &[K::Ref<'_>], owned: &[K]) {
        let encoded: Vec<Vec<u8>> = keys.iter().map(|key| bytes::<K>(*key)).collect();
        assert!(encoded.is_sorted_by(|a, b| a < b), "{encoded:?}");
        let decoded: Vec<K> = encoded.iter().map(|bytes| K::decode(&mut &bytes[..], true).unwrap()).collect();
        assert_eq!(decoded, owned);
    }

    #[test]
    fn integers_sort() {
        ascend::<i64>(&[i64::MIN, -256, -1, 0, 1, 255, i64::MAX], &[i64::MIN, -256, -1, 0, 1, 255, i64::MAX]);
        ascend::<u16>(&[0, 1, 255, 256, u16::MAX], &[0, 1, 255, 256, u16::MAX]);
        ascend::<bool>(&[false, true], &[false, true]);
    }

    #[test]
    fn text_sorts_alone_and_in_tuples() {
        let texts = ["", "\0", "\0a", "a", "a\0", "a\0\0", "a\u{1}", "aa", "ä", "\u{10FFFF}"];
        ascend::<String>(&texts, &texts.map(String::from));
        let pairs = texts.map(|text| (text, u8::MAX));
        ascend::<(String, u8)>(&pairs, &pairs.map(|(text, number)| (text.into(), number)));
    }

    #[test]
    fn tuples_sort_by_their_parts_in_order() {
        let keys = [("a", 1, "z"), ("a", 2, ""), ("a", 2, "b"), ("ab", 0, "")];
        ascend::<(String, u32, String)>(&keys, &keys.map(|(a, b, c)| (a.into(), b, c.into())));
    }

    #[test]
    fn reverse_sorts_downwards() {
        let keys = [(Reverse(300), "b"), (Reverse(3), "a"), (Reverse(3), "b"), (Reverse(0), "a")];
        ascend::<(Reverse<u64>, String)>(&keys, &keys.map(|(a, b)| (a, b.into())));
        let texts = [Reverse("b"), Reverse("ab"), Reverse("a"), Reverse("")];
        ascend::<Reverse<String>>(&texts, &texts.map(|text| Reverse(text.0.into())));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(u64::decode(&mut &[1, 2][..], true), None);
        assert_eq!(bool::decode(&mut &[2][..], true), None);
        assert_eq!(String::decode(&mut &[0xFF][..], true), None);
        assert_eq!(<(String, u8)>::decode(&mut &b"a\0\x01"[..], true), None);
    }
}
