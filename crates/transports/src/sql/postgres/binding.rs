//! What ties a login to the TLS connection it is made over, so that nobody in the middle can pass it on: the hash of
//! the server's certificate (RFC 5929 section 4, `tls-server-end-point`).

use rustls::{
    SupportedCipherSuite,
    crypto::aws_lc_rs::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384},
};

/// The hash of a certificate in DER, by the hash function of its own signature, where MD5 and SHA-1 give way to
/// SHA-256. `None` where rustls has no such function to lend: then a login is not tied.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let lender: SupportedCipherSuite = match signature(certificate)? {
        // md5, sha1, sha256 WithRSAEncryption (RFC 8017 appendix A.2.4); ecdsa-with-SHA1, -SHA256 (RFC 5758 section 3.2).
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04 | 0x05 | 0x0b]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02] => TLS13_AES_128_GCM_SHA256,
        // The same with SHA-384.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03] => TLS13_AES_256_GCM_SHA384,
        _ => return None,
    };
    Some(lender.tls13()?.common.hash_provider.hash(certificate).as_ref().to_vec())
}

/// The object identifier of a certificate's signature: `SEQUENCE { tbsCertificate, SEQUENCE { OID, … }, … }`
/// (RFC 5280 section 4.1).
fn signature(certificate: &[u8]) -> Option<&[u8]> {
    let (_, certificate, _) = element(certificate)?;
    let (_, _, rest) = element(certificate)?;
    let (_, algorithm, _) = element(rest)?;
    match element(algorithm)? {
        (0x06, oid, _) => Some(oid),
        _ => None,
    }
}

/// The first element of DER: its tag, what is in it, and what stands after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (first.into(), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked((first - 0x80).into())?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    use trunkline_testkit::Authority;

    use super::*;

    #[test]
    fn a_certificate_is_hashed_by_the_function_of_its_signature() {
        let certificate = CertificateDer::from_pem_slice(Authority::new().pem().as_bytes()).unwrap();
        // ecdsa-with-SHA256, which is what the authorities of tests sign with.
        assert_eq!(signature(&certificate), Some(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02][..]));
        assert_eq!(end_point(&certificate).unwrap().len(), 32);
    }

    #[test]
    fn what_is_no_certificate_has_no_hash() {
        let certificate = CertificateDer::from_pem_slice(Authority::new().pem().as_bytes()).unwrap();
        for end in 0..certificate.len() {
            assert_eq!(end_point(&certificate[..end]), None, "{end}");
        }
        assert_eq!(end_point(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00]), None);
    }
}
