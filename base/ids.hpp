#pragma once
// The only source of randomness.
#include <cstdint>
#include <string>

namespace sagelet {

/// Thread-safe. Ids are unguessable (from the kernel's generator, buffered) where said so.
class Ids {
 public:
  virtual ~Ids() = default;
  /// Lower-case version 4 UUID with dashes: request ids.
  virtual std::string uuid() = 0;
  /// `length` characters of [0-9a-z]; unguessable: ids of uploads, versions.
  virtual std::string lower_alnum(std::size_t length) = 0;
  /// `length` characters of [0-9A-Z]: AWS's unique ids (AROA..., ASIA...).
  virtual std::string upper_alnum(std::size_t length) = 0;
  /// `bytes` random bytes as lower-case hex; unguessable: tokens, secrets.
  virtual std::string hex(std::size_t bytes) = 0;
  virtual std::uint64_t number() = 0;
};

class RandomIds final : public Ids {
 public:
  std::string uuid() override;
  std::string lower_alnum(std::size_t length) override;
  std::string upper_alnum(std::size_t length) override;
  std::string hex(std::size_t bytes) override;
  std::uint64_t number() override;
};

}  // namespace sagelet
