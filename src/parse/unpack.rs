//! Documents that are still compressed when they arrive: gzip inside gzip, or without a header
//! that says so. The bytes are believed, never a Content-Type.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::MultiGzDecoder;

const LAYERS: usize = 3;

pub(super) struct Unpacked<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) layers: usize,
    /// False where the compressed data end too early, are damaged, or hold more than is allowed.
    pub(super) complete: bool,
}

pub(super) fn unpack(bytes: &[u8], max_bytes: usize) -> Unpacked<'_> {
    let mut unpacked = Unpacked {
        bytes: Cow::Borrowed(bytes),
        layers: 0,
        complete: true,
    };
    while unpacked.layers < LAYERS && unpacked.bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let cap = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        let read = MultiGzDecoder::new(&*unpacked.bytes)
            .take(cap)
            .read_to_end(&mut plain);
        unpacked.complete &= read.is_ok() && plain.len() < max_bytes;
        unpacked.bytes = Cow::Owned(plain);
        unpacked.layers += 1;
    }
    unpacked
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::unpack;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn layers_come_off_and_plain_bytes_stay() {
        let twice = gzip(&gzip(b"<rss/>"));
        let unpacked = unpack(&twice, 100);
        assert_eq!(
            (&*unpacked.bytes, unpacked.layers, unpacked.complete),
            (&b"<rss/>"[..], 2, true)
        );
        assert_eq!(unpack(b"<rss/>", 100).layers, 0);
    }

    #[test]
    fn a_bomb_or_a_torn_stream_gives_what_came_so_far() {
        let bomb = gzip(&vec![b' '; 1_000_000]);
        let unpacked = unpack(&bomb, 1_000);
        assert_eq!((unpacked.bytes.len(), unpacked.complete), (1_000, false));
        let packed = gzip(b"<rss><channel/></rss>");
        let torn = unpack(&packed[..packed.len() - 9], 1_000);
        assert!(!torn.complete);
    }
}
