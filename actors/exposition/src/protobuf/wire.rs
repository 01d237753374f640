//! Splits messages into fields, without decoding what is in them.

/// The maximum length of a varint in bytes.
pub(super) const MAX_VARINT: usize = 10;

/// A field of a message.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) data: Data<'a>,
}

/// The value of a field.
pub(super) enum Data<'a> {
    /// That of a field with a length.
    Bytes(&'a [u8]),
    /// Any other.
    Other,
}

/// The message of a fault, without its position.
pub(super) type Cause = &'static str;

const CUT: Cause = "a field extends past the end of its message";

/// Splits a varint off `bytes`; `None` if it is incomplete or does not fit in 64 bits.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().take(MAX_VARINT).enumerate() {
        if index == MAX_VARINT - 1 && *byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Calls `each` with every field of `message`, except those within groups.
pub(super) fn fields<'a>(
    message: &'a [u8],
    mut each: impl FnMut(Field<'a>) -> Result<(), Cause>,
) -> Result<(), Cause> {
    let mut rest = message;
    let mut groups = 0_usize;
    while !rest.is_empty() {
        let (tag, after) = varint(rest).ok_or(CUT)?;
        let (data, after) = match tag & 7 {
            0 => varint(after).map(|(_, after)| (Data::Other, after)),
            1 => after.get(8..).map(|after| (Data::Other, after)),
            2 => varint(after).and_then(|(length, after)| {
                let (bytes, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                Some((Data::Bytes(bytes), after))
            }),
            3 => {
                groups += 1;
                Some((Data::Other, after))
            }
            4 => {
                groups = groups
                    .checked_sub(1)
                    .ok_or("a group ends that did not begin")?;
                rest = after;
                continue;
            }
            5 => after.get(4..).map(|after| (Data::Other, after)),
            _ => return Err("a field has a wire type that protobuf does not know"),
        }
        .ok_or(CUT)?;
        let starts_group = tag & 7 == 3;
        if groups == usize::from(starts_group) {
            each(Field {
                number: tag >> 3,
                data,
            })?;
        }
        rest = after;
    }
    if groups > 0 { Err(CUT) } else { Ok(()) }
}
