//! Good and bad texts of every format.

use super::*;

#[test]
fn the_table_is_in_the_order_of_the_enum() {
    for (index, (format, name, _)) in FORMATS.iter().enumerate() {
        assert_eq!(*format as usize, index, "{name}");
        assert_eq!(Format::named(name), Some(*format));
        assert_eq!(format.name(), *name);
    }
}

/// Texts that have the format, and texts that have not.
const CASES: &[(&str, &[&str], &[&str])] = &[
    (
        "email",
        &["a@b.co", "ada.lovelace+x@mail.example.org", "o'neil@example.com", "a@xn--bcher-kva.example", "1@2.de"],
        &[
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a b@c.de",
            "a@@b.co",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.de",
            "a@-b.co",
            "a@b-.co",
            "a@b..co",
            "a@b.co.",
            "a@b.c\n",
            "a@1.2.3.4",
            "é@b.co",
        ],
    ),
    (
        "url",
        &[
            "http://a",
            "https://example.org/a%20b?c=d#e",
            "ftp://u:p@h:21/",
            "https://[2001:db8::1]:443/x",
            "wss://1.2.3.4",
            "http://a_b.example/(x)",
        ],
        &[
            "",
            "example.org",
            "//a",
            "http:/a",
            "http://",
            "http:///x",
            "1http://a",
            "http://a b",
            "http://a/<x>",
            "http://a/%2",
            "http://a/%zz",
            "http://a:b",
            "http://a:65536",
            "http://[::1",
            "http://[x]",
            "mailto:a@b.co",
            "http://ä.example",
            "http://a@b@c/",
        ],
    ),
    (
        "uuid",
        &[
            "0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f",
            "00000000-0000-0000-0000-000000000000",
            "0198C2F0-5A7E-7CC3-98C4-DC0C0C07398F",
        ],
        &[
            "",
            "0198c2f05a7e7cc398c4dc0c0c07398f",
            "{0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f}",
            "urn:uuid:0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f",
            "0198c2f0-5a7e-7cc3-98c4-dc0c0c07398g",
            "0198c2f0-5a7e-7cc3-98c4dc0c0c-07398f",
        ],
    ),
    ("ipv4", &["0.0.0.0", "192.0.2.255"], &["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "::1"]),
    (
        "ipv6",
        &["::", "2001:db8::1", "::ffff:1.2.3.4"],
        &["", ":::", "1.2.3.4", "2001:db8::1::2", "g::", "[::1]", "fe80::1%eth0"],
    ),
    ("ip", &["::1", "127.0.0.1"], &["", "localhost", "1.2.3.4/8"]),
    ("country-code", &["PT", "DE", "ZW", "AD"], &["", "pt", "XX", "PRT", "UK", "P"]),
    ("currency", &["EUR", "USD", "ZWG", "AED", "XCG"], &["", "eur", "EURO", "XYZ", "€"]),
    (
        "duration",
        &["P1D", "PT0S", "P1Y2M3DT4H5M6S", "P2W", "PT1.5S", "PT0,5H", "P1DT12H"],
        &[
            "", "P", "PT", "P1DT", "1D", "P1S", "PT1D", "P1M1Y", "P1.5DT1H", "P-1D", "P1", "PT.5S", "PT1.S", "P1W1D",
            "P1D1D",
        ],
    ),
    (
        "point",
        &["0,0", "38.7223,-9.1393", "-90,180", "90.0,-180.0"],
        &[
            "",
            "0",
            "0,0,0",
            "90.1,0",
            "0,180.1",
            "-91,0",
            "1e1,0",
            "0, 0",
            "+1,0",
            "NaN,0",
            "inf,0",
            "a,b",
            "90.00000000000000000001,0",
        ],
    ),
    (
        "credit-card",
        &["4111111111111111", "378282246310005", "6011111111111117", "5555555555554444"],
        &[
            "",
            "4111111111111112",
            "4111 1111 1111 1111",
            "0",
            "00000000000",
            "41111111111111111111111",
            "411111111111111a",
        ],
    ),
    ("camel-case", &["a", "aB", "orderLine2"], &["", "A", "a_b", "a-b", "2a", "aé"]),
    ("snake-case", &["a", "a_b", "order_line_2"], &["", "A", "a__b", "_a", "a_", "a-b", "2a"]),
    ("kebab-case", &["a", "a-b", "order-line-2"], &["", "A", "a--b", "-a", "a-", "a_b"]),
    ("pascal-case", &["A", "OrderLine2"], &["", "a", "Order_Line", "2A"]),
    ("upper-case", &["", "A", "ÀÉ 1-2", "漢字"], &["a", "Aa", "ß"]),
    ("lower-case", &["", "a", "àé 1-2", "漢字"], &["A", "aA", "É"]),
];

#[test]
fn each_format_takes_the_good_and_refuses_the_bad() {
    assert_eq!(CASES.len(), FORMATS.len(), "each format has its cases");
    for (name, good, bad) in CASES {
        let format = Format::named(name).expect("a format");
        for text in *good {
            assert!(format.fits(text), "{name}: {text:?}");
        }
        for text in *bad {
            assert!(!format.fits(text), "{name}: {text:?}");
        }
    }
}
