#include "base/password.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

std::string hex(const Sha256Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

// FIPS 180-4 examples and lengths around the end of a block
TEST(Sha256, KnowsTheKnownAnswers) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotCareHowTheBytesCome) {
  const std::string text(200, 'x');
  for (std::size_t size = 50; size < 140; ++size) {
    Sha256 pieces;
    for (std::size_t at = 0; at < size; at += 7) pieces.add(text.substr(at, std::min<std::size_t>(7, size - at)));
    EXPECT_EQ(pieces.digest(), sha256(text.substr(0, size))) << size;
  }
}

// RFC 4231 test cases 1, 2 and 6
TEST(HmacSha256, KnowsTheKnownAnswers) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 7914 section 11
TEST(Pbkdf2Sha256, KnowsTheKnownAnswers) {
  EXPECT_EQ(hex(pbkdf2_sha256("passwd", "salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  EXPECT_EQ(hex(pbkdf2_sha256("Password", "NaCl", 80000)),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST(PasswordEntry, VerifiesThePasswordItWasMadeOf) {
  const PasswordEntry made = PasswordEntry::make("open sesame", "01234567", 3);
  const Result<PasswordEntry> read = PasswordEntry::parse(made.text());
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->verify("open sesame"));
  EXPECT_FALSE(read->verify("open sesame "));
  EXPECT_FALSE(read->verify(""));
  EXPECT_EQ(read->text(), made.text());
  EXPECT_EQ(read->shortcut("a"), made.shortcut("a"));
  EXPECT_NE(read->shortcut("a"), made.shortcut("b"));
}

TEST(PasswordEntry, RefusesWhatIsNone) {
  const std::string good = PasswordEntry::make("x", "01234567", 1).text();
  EXPECT_TRUE(PasswordEntry::parse(good));
  for (const std::string& bad : {std::string(), std::string("secret"), good + "0", good + "00", good.substr(2),
                                 std::string("pbkdf2-sha256:0:3031323334353637:") + std::string(64, '0'),
                                 std::string("pbkdf2-sha256:4097:3031323334353637:") + std::string(64, '0'),
                                 std::string("pbkdf2-sha256:1:30313233:") + std::string(64, '0'),
                                 std::string("pbkdf2-sha256:1:3031323334353637:") + std::string(64, 'g'),
                                 std::string("pbkdf2-sha256:1:3031323334353637")})
    EXPECT_FALSE(PasswordEntry::parse(bad)) << bad;
}

}  // namespace
}  // namespace sluice
