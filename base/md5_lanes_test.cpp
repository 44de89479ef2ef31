#include "base/md5_lanes.hpp"

#include <random>
#include <thread>

#include "base/digest.hpp"
#include "gtest/gtest.h"

namespace sagelet {
namespace {

std::string random_bytes(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string md5_of(std::string_view bytes) {
  return Digest::of(DigestKind::kMd5, bytes);
}

TEST(Md5, HashesAnyNumberOfStreamsTogetherAsEachAlone) {
  std::mt19937 random(1);
  for (std::size_t count = 1; count <= Md5::kLanes; ++count) {
    std::vector<Md5> streams(count);
    std::vector<std::string> bytes(count), seen(count);
    for (const std::size_t size : {64u, 640u, 4096u}) {
      std::vector<Md5::Piece> pieces;
      for (std::size_t i = 0; i < count; ++i) {
        bytes[i] = random_bytes(random, size);
        seen[i] += bytes[i];
        pieces.push_back({&streams[i], bytes[i].data()});
      }
      Md5::update_together(pieces, size);
    }
    for (std::size_t i = 0; i < count; ++i) {
      streams[i].update("the end");
      EXPECT_EQ(to_hex(streams[i].finish()), to_hex(md5_of(seen[i] + "the end"))) << i << " of " << count;
    }
  }
}

TEST(Md5Lanes, HashesBodiesOfAnyLengthInPiecesOfAnyLength) {
  std::mt19937 random(2);
  Md5Lanes lanes;
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 131072u, 1000000u}) {
    const auto bytes = random_bytes(random, size);
    const auto stream = lanes.stream();
    for (std::size_t at = 0; at < size;) {
      const auto step = std::min<std::size_t>(size - at, random() % 100000);
      stream->update(std::string_view(bytes).substr(at, step));
      at += step;
    }
    EXPECT_EQ(to_hex(stream->finish()), to_hex(md5_of(bytes))) << size;
  }
}

TEST(Md5Lanes, ManyThreadsHashAtOnceThoughSomeNeverEnd) {
  Md5Lanes lanes;
  const auto idle = lanes.stream();
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 20; ++seed)
    threads.emplace_back([&lanes, seed] {
      std::mt19937 random(seed);
      const auto bytes = random_bytes(random, 300'000 + random() % 3'000'000);
      const auto stream = lanes.stream();
      const auto given_up = seed % 5 == 0;
      stream->update(given_up ? std::string_view(bytes).substr(0, bytes.size() / 2) : bytes);
      if (given_up) return;
      EXPECT_EQ(to_hex(stream->finish()), to_hex(md5_of(bytes))) << seed;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(to_hex(idle->finish()), to_hex(md5_of("")));
}

}  // namespace
}  // namespace sagelet
