//! Several texts or runs of bytes in one: each has its length before it, in four bytes, low byte first.

pub(crate) fn bytes(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut packed = Vec::new();
    for part in parts {
        // What mixq packs are texts of people; nothing near 4 GB.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        packed.extend(length.to_le_bytes());
        packed.extend(part.iter().take(length as usize));
    }
    packed
}

pub(crate) fn texts(texts: &[String]) -> Vec<u8> {
    bytes(&texts.iter().map(|text| text.clone().into_bytes()).collect::<Vec<_>>())
}

/// The parts; `None` if they do not end where the bytes end.
pub(crate) fn split(mut packed: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parts = Vec::new();
    while !packed.is_empty() {
        let (length, rest) = packed.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        parts.push(part.to_vec());
        packed = rest;
    }
    Some(parts)
}

/// As [`split`]; `None` also if a part is not text.
pub(crate) fn split_texts(packed: &[u8]) -> Option<Vec<String>> {
    split(packed)?.into_iter().map(|part| String::from_utf8(part).ok()).collect()
}
