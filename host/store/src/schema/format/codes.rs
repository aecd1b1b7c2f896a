//! Codes that are facts of the world: countries, currencies, card numbers.

use std::cmp::Ordering;

/// Officially assigned alpha-2 codes of ISO 3166-1, in order, as the tz database lists them (`iso3166.tab`).
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Alphabetic codes of ISO 4217, in order: list one as Debian's iso-codes 4.15 has it, with the codes that amendments added
/// since (XAD, XCG, ZWG). Codes withdrawn since then stay (ANG, BGN, CUC, HRK, SLL, ZWL): history is written in them.
const CURRENCIES: &str = "\
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD \
    CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS \
    GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD \
    KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR \
    NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN \
    SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF \
    XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG ZWL";

/// Whether a text is the code of a country.
pub(super) fn is_country(text: &str) -> bool {
    is_listed(COUNTRIES, text, 2)
}

/// Whether a text is the code of a currency.
pub(super) fn is_currency(text: &str) -> bool {
    is_listed(CURRENCIES, text, 3)
}

/// Binary search in codes of one length with a space after each but the last.
fn is_listed(list: &str, text: &str, length: usize) -> bool {
    let code = |index: usize| &list.as_bytes()[index * (length + 1)..][..length];
    let (mut low, mut high) = (0, (list.len() + 1) / (length + 1));
    while low < high {
        let middle = low.midpoint(high);
        match code(middle).cmp(text.as_bytes()) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return true,
        }
    }
    false
}

/// Whether a text is 12 to 19 digits with the check digit of Luhn (ISO/IEC 7812-1).
pub(super) fn is_card(text: &str) -> bool {
    if !(12..=19).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits = text.bytes().rev().map(|byte| u32::from(byte - b'0')).enumerate();
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let sum: u32 = digits.map(|(place, digit)| if place % 2 == 0 { digit } else { doubled(digit) }).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_complete() {
        for (list, length, count) in [(COUNTRIES, 2, 249), (CURRENCIES, 3, 184)] {
            let codes: Vec<&str> = list.split(' ').collect();
            assert!(codes.is_sorted() && codes.iter().all(|code| code.len() == length));
            assert_eq!(codes.len(), count);
            assert!(codes.iter().all(|code| is_listed(list, code, length)));
        }
    }
}
