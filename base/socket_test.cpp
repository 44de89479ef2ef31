#include "base/socket.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace sagelet {
namespace {

/// Of the file behind a descriptor.
ino_t inode(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 ? about.st_ino : 0;
}

TEST(Socket, BytesThatFillItsBufferArriveWhole) {
  auto pair = *make_socket_pair(SOCK_STREAM);
  std::string sent(4 << 20, 'x');
  sent.front() = 'a';
  sent.back() = 'z';
  std::thread sender([&] { EXPECT_TRUE(send_all(pair.theirs.get(), sent)); });
  std::string got(sent.size(), '\0');
  EXPECT_TRUE(receive_all(pair.ours.get(), got));
  sender.join();
  EXPECT_EQ(got, sent);
}

TEST(Socket, ASignalInTheMiddleLosesNothing) {
  struct sigaction heard {
  }, before{};
  heard.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &heard, &before), 0);
  auto pair = *make_socket_pair(SOCK_STREAM);
  const std::string sent(4 << 20, 'x');
  std::thread sender([&] {
    EXPECT_TRUE(send_all(pair.theirs.get(), sent));
    pair.theirs.reset();
  });
  std::string got(sent.size(), '\0');
  ASSERT_TRUE(receive_all(pair.ours.get(), std::span(got).first(1)));  // the rest does not fit: it is waiting
  ::pthread_kill(sender.native_handle(), SIGUSR1);
  EXPECT_TRUE(receive_all(pair.ours.get(), std::span(got).subspan(1)));
  sender.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(Socket, AnEndThatGoesAwayIsAValueAndNoSignal) {
  auto pair = *make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(send_all(pair.theirs.get(), "half"));
  pair.theirs.reset();
  std::array<char, 8> room{};
  EXPECT_FALSE(receive_all(pair.ours.get(), room));
  EXPECT_FALSE(send_all(pair.ours.get(), "to nobody"));
  EXPECT_TRUE(receive_with(pair.ours.get(), room).error().is(ErrorKind::kUnavailable));
}

TEST(Socket, DescriptorsAreCopiedInOrderAndCloseOnExec) {
  auto pair = *make_socket_pair(SOCK_STREAM);
  const auto pipe = *make_pipe();
  const std::array<int, 2> sent{pipe.read.get(), pipe.write.get()};
  std::thread sender([&] {
    EXPECT_TRUE(send_with(pair.theirs.get(), "head", sent));
    EXPECT_TRUE(send_all(pair.theirs.get(), "tail"));
  });
  std::string room(8, '\0');
  const auto got = receive_with(pair.ours.get(), room);
  sender.join();
  ASSERT_TRUE(got);
  EXPECT_EQ(room, "headtail");
  ASSERT_EQ(got->size(), 2u);
  ASSERT_TRUE(write_all((*got)[1].get(), "!"));
  char letter = 0;
  EXPECT_EQ(::read((*got)[0].get(), &letter, 1), 1);
  EXPECT_EQ(letter, '!');
  for (const UniqueFd& fd : *got) EXPECT_TRUE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC);
  EXPECT_EQ(inode((*got)[0].get()), inode(pipe.read.get()));
}

TEST(Socket, AMessageMayHaveNoDescriptorsAndNotTooMany) {
  auto pair = *make_socket_pair(SOCK_SEQPACKET);
  ASSERT_TRUE(send_with(pair.theirs.get(), "word", {}));
  std::string room(4, '\0');
  const auto got = receive_with(pair.ours.get(), room);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->empty());
  const std::array<int, kMostDescriptors + 1> many{};
  EXPECT_TRUE(send_with(pair.theirs.get(), "word", many).error().is(ErrorKind::kInvalid));
}

TEST(Socket, ValuesTravelAsTheyLieInMemory) {
  struct Pair {
    int first;
    char second;
  };
  auto pair = *make_socket_pair(SOCK_STREAM);
  const Pair sent{-7, 'q'};
  Pair got{};
  ASSERT_TRUE(send_all(pair.theirs.get(), bytes_of(sent)));
  ASSERT_TRUE(receive_all(pair.ours.get(), room_of(got)));
  EXPECT_EQ(got.first, -7);
  EXPECT_EQ(got.second, 'q');
}

}  // namespace
}  // namespace sagelet
