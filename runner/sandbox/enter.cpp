#include "runner/sandbox/enter.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sagelet::runner {
namespace {

struct Answer {
  int error = 0;
};

bool same_namespace(const std::string& one, const char* other) {
  struct stat a, b;
  return ::stat(one.c_str(), &a) == 0 && ::stat(other, &b) == 0 && a.st_ino == b.st_ino &&
         a.st_dev == b.st_dev;
}

int enter(const std::string& proc) {
  const UniqueFd user(::open((proc + "user").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd mount(::open((proc + "mnt").c_str(), O_RDONLY | O_CLOEXEC));
  if (!user || !mount) return errno;
  if (!same_namespace(proc + "user", "/proc/self/ns/user") && ::setns(user.get(), CLONE_NEWUSER) != 0)
    return errno;
  return ::setns(mount.get(), CLONE_NEWNS) == 0 ? 0 : errno;
}

/// One message, with `fd` in it unless that is negative.
void send(int socket, Answer answer, int fd) {
  iovec part{&answer, sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* first = CMSG_FIRSTHDR(&message);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(first), &fd, sizeof fd);
  }
  ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

/// errno of the other side, or its descriptor.
Answer receive(int socket, UniqueFd& fd) {
  Answer answer{ECHILD};
  iovec part{&answer, sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof answer) return {ECHILD};
  const cmsghdr* first = CMSG_FIRSTHDR(&message);
  int got = -1;
  if (first && first->cmsg_type == SCM_RIGHTS) std::memcpy(&got, CMSG_DATA(first), sizeof got);
  fd.reset(got);
  return answer;
}

/// Gives the kernel's end, or -errno.
int mount_fuse(const std::string& folder) {
  const int fd = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) return -errno;
  char options[160];
  std::snprintf(
      options, sizeof options,
      "fd=%d,rootmode=40555,user_id=%u,group_id=%u,allow_other,default_permissions,max_read=1048576", fd,
      ::geteuid(), ::getegid());
  return ::mount("sagelet", folder.c_str(), "fuse", MS_RDONLY | MS_NOSUID | MS_NODEV, options) == 0 ? fd
                                                                                                    : -errno;
}

/// Has nothing of ours but its socket, and is not meant by a signal to our group.
void come_of_age(UniqueFd& socket) {
  ::setsid();
  ::prctl(PR_SET_NAME, "sagelet-mount");
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {0, 1, 2}) ::dup2(null, standard);
  ::dup2(socket.get(), 3);
  ::close_range(4, ~0u, 0);
  [[maybe_unused]] const int old = socket.release();
  socket.reset(3);
}

/// In the new child: mounts, then waits for the end of whoever wants it.
[[noreturn]] void keep_mount(UniqueFd socket, const std::string& proc, const std::string& folder) {
  struct stat ours, theirs;
  int refused = ::stat(folder.c_str(), &ours) == 0 ? enter(proc) : errno;
  if (refused == 0 &&
      (::stat(folder.c_str(), &theirs) != 0 || theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev))
    refused = EXDEV;
  const int fd = refused != 0 ? -refused : mount_fuse(folder);
  send(socket.get(), {fd < 0 ? -fd : 0}, fd);
  if (fd < 0) ::_exit(0);
  come_of_age(socket);
  char none;
  while (::read(socket.get(), &none, 1) < 0 && errno == EINTR) {
  }
  ::umount2(folder.c_str(), MNT_DETACH);
  ::_exit(0);
}

}  // namespace

Result<UniqueFd> open_inside(pid_t pid, const std::function<int()>& work) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return Error::last("socketpair");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const std::string proc = "/proc/" + std::to_string(pid) + "/ns/";
  const pid_t child = ::fork();
  if (child < 0) return Error::last("fork");
  if (child == 0) {
    const int refused = enter(proc);
    const int fd = refused != 0 ? -refused : work();
    send(theirs.get(), {fd < 0 ? -fd : 0}, fd);
    ::_exit(0);
  }
  theirs.reset();
  UniqueFd fd;
  const Answer answer = receive(ours.get(), fd);
  ::waitpid(child, nullptr, 0);
  if (answer.error != 0) return Error::from_errno("in the job's namespace", answer.error);
  return fd;
}

Result<UniqueFd> mount_fuse_inside(pid_t pid, const std::string& folder) {
  return open_inside(pid, [&] { return mount_fuse(folder); });
}

Result<KeptMount> KeptMount::make(pid_t pid, const std::string& folder) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return Error::last("socketpair");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const std::string proc = "/proc/" + std::to_string(pid) + "/ns/";
  KeptMount mount;
  mount.pid_ = ::fork();
  if (mount.pid_ < 0) return Error::last("fork");
  if (mount.pid_ == 0) {
    ours.reset();
    keep_mount(std::move(theirs), proc, folder);
  }
  theirs.reset();
  const Answer answer = receive(ours.get(), mount.fuse_);
  mount.keeper_ = std::move(ours);
  if (answer.error == EXDEV)
    return Error(ErrorKind::kUnavailable, "the engine does not see the job's folder");
  if (answer.error != 0) return Error::from_errno("FUSE", answer.error);
  return mount;
}

KeptMount::~KeptMount() {
  if (!keeper_) return;  // it was moved
  keeper_.reset();
  ::waitpid(pid_, nullptr, 0);
}

Status bind_inside(pid_t pid, const std::string& from, const std::string& folder, bool read_only) {
  TRY(open_inside(pid, [&]() -> int {
    if (::mount(from.c_str(), folder.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return -errno;
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    if (read_only && ::syscall(SYS_mount_setattr, AT_FDCWD, folder.c_str(), AT_RECURSIVE, &attributes,
                               sizeof attributes) != 0)
      return -errno;
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // a descriptor is how we say yes
  }));
  return {};
}

}  // namespace sagelet::runner
