//! The wire format of protobuf: varints and fields.

/// The maximum length of a varint in bytes.
pub(super) const MAX_VARINT: usize = 10;

/// A field of a message.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) data: Data<'a>,
}

/// The value of a field, by wire type.
pub(super) enum Data<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed,
}

/// The message of a fault, without its position.
pub(super) type Cause = &'static str;

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

/// Calls `each` with every field of `message`.
pub(super) fn fields<'a>(
    message: &'a [u8],
    mut each: impl FnMut(Field<'a>) -> Result<(), Cause>,
) -> Result<(), Cause> {
    const CUT: Cause = "a field extends past the end of its message";
    let mut rest = message;
    while !rest.is_empty() {
        let (tag, after) = varint(rest).ok_or(CUT)?;
        let (data, after) = match tag & 7 {
            0 => varint(after).map(|(number, after)| (Data::Varint(number), after)),
            1 => after.get(8..).map(|after| (Data::Fixed, after)),
            2 => varint(after).and_then(|(length, after)| {
                let (bytes, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                Some((Data::Bytes(bytes), after))
            }),
            5 => after.get(4..).map(|after| (Data::Fixed, after)),
            _ => return Err("a field has a wire type that protobuf does not know"),
        }
        .ok_or(CUT)?;
        if tag >> 3 == 0 {
            return Err("a field has the number 0");
        }
        each(Field {
            number: tag >> 3,
            data,
        })?;
        rest = after;
    }
    Ok(())
}
