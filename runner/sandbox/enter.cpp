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
#include <span>

#include "base/socket.hpp"

namespace sagelet::runner {
namespace {

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

/// A descriptor, or -errno.
void say(int socket, int fd) {
  const int refused = fd < 0 ? -fd : 0;
  (void)send_with(socket, bytes_of(refused), std::span(&fd, fd < 0 ? 0 : 1));
}

/// errno of the other side, or 0 and its descriptor.
int hear(int socket, UniqueFd& fd) {
  int refused = ECHILD;
  auto fds = receive_with(socket, room_of(refused));
  if (!fds) return ECHILD;
  if (!fds->empty()) fd = std::move(fds->front());
  return refused;
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
  say(socket.get(), fd);
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
  TRY(SocketPair pair, make_socket_pair(SOCK_SEQPACKET));
  const std::string proc = "/proc/" + std::to_string(pid) + "/ns/";
  const pid_t child = ::fork();
  if (child < 0) return Error::last("fork");
  if (child == 0) {
    const int refused = enter(proc);
    const int fd = refused != 0 ? -refused : work();
    say(pair.theirs.get(), fd);
    ::_exit(0);
  }
  pair.theirs.reset();
  UniqueFd fd;
  const int refused = hear(pair.ours.get(), fd);
  ::waitpid(child, nullptr, 0);
  if (refused != 0) return Error::from_errno("in the job's namespace", refused);
  return fd;
}

Result<UniqueFd> mount_fuse_inside(pid_t pid, const std::string& folder) {
  return open_inside(pid, [&] { return mount_fuse(folder); });
}

Result<KeptMount> KeptMount::make(pid_t pid, const std::string& folder) {
  TRY(SocketPair pair, make_socket_pair(SOCK_SEQPACKET));
  const std::string proc = "/proc/" + std::to_string(pid) + "/ns/";
  KeptMount mount;
  mount.pid_ = ::fork();
  if (mount.pid_ < 0) return Error::last("fork");
  if (mount.pid_ == 0) {
    pair.ours.reset();
    keep_mount(std::move(pair.theirs), proc, folder);
  }
  pair.theirs.reset();
  const int refused = hear(pair.ours.get(), mount.fuse_);
  mount.keeper_ = std::move(pair.ours);
  if (refused == EXDEV) return Error(ErrorKind::kUnavailable, "the engine does not see the job's folder");
  if (refused != 0) return Error::from_errno("FUSE", refused);
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
