#include "client/http.hpp"

#include <curl/curl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <mutex>

#include "fmt/format.h"

namespace sagelet::client {

namespace {

constexpr long kBuffer = 256 * 1024;  // curl's own 16 KiB cost a third of a large download's rate

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

/// One transfer, as libcurl's callbacks see it.
struct Transfer {
  const Request& request;
  CURL* handle;
  Response response;
  Status failure;  ///< of the download callback
  std::uint64_t uploaded = 0;
  bool begun = false;

  bool downloading() const { return request.download && response.status >= 200 && response.status < 300; }
};

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line = trimmed({data, size * count});
  if (line.starts_with("HTTP/")) {
    transfer.response.headers.clear();
    long status = 0;
    curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    transfer.response.headers[lower(line.substr(0, colon))] = std::string(trimmed(line.substr(colon + 1)));
  }
  return size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view bytes(data, size * count);
  if (!transfer.downloading()) {
    transfer.response.body.append(bytes);
    return bytes.size();
  }
  if (!transfer.begun && transfer.request.begun) transfer.request.begun(transfer.response);
  transfer.begun = true;
  transfer.failure = transfer.request.download(bytes);
  return transfer.failure ? bytes.size() : CURL_WRITEFUNC_ERROR;
}

std::size_t on_upload(char* buffer, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::uint64_t left = transfer.request.upload_length - transfer.uploaded;
  const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(size * count, left));
  if (want == 0) return 0;
  ssize_t n;
  do {
    n = ::pread(transfer.request.upload_fd, buffer, want, static_cast<off_t>(transfer.uploaded));
  } while (n < 0 && errno == EINTR);
  if (n <= 0) {
    transfer.failure = n < 0 ? Error::last("reading what is uploaded")
                             : Error(ErrorKind::kCorrupt, "the file shrank while it was uploaded");
    return CURL_READFUNC_ABORT;
  }
  transfer.uploaded += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

/// The connection was closed while idle: libcurl rewinds and sends again.
int on_seek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(user)->uploaded = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->request.cancelled() ? 1 : 0;
}

ErrorKind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return ErrorKind::kCancelled;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return ErrorKind::kUnavailable;
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorKind::kTimeout;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorKind::kInvalid;
    default:
      return ErrorKind::kIo;
  }
}

std::unique_ptr<curl_slist, FreeList> header_list(const Request& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers)
    list = curl_slist_append(
        list, value.empty() ? fmt::format("{};", name).c_str() : fmt::format("{}: {}", name, value).c_str());
  list = curl_slist_append(list, "Expect:");
  const auto is_type = [](const auto& header) { return lower(header.first) == "content-type"; };
  if (std::none_of(request.headers.begin(), request.headers.end(), is_type))
    list = curl_slist_append(list, "Content-Type:");  // or libcurl says it is a form, and S3 keeps that
  return std::unique_ptr<curl_slist, FreeList>(list);
}

void set_body(CURL* handle, Transfer& transfer) {
  const Request& request = transfer.request;
  if (request.upload_fd >= 0) {
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_upload);
    curl_easy_setopt(handle, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(handle, CURLOPT_SEEKDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload_length));
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  } else if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_options(CURL* handle, Transfer& transfer, curl_slist* headers) {
  const Request& request = transfer.request;
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // keys are bytes: "../" must arrive
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kBuffer);
  curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, kBuffer);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                   std::max(1L, static_cast<long>(request.idle_timeout.count() / 1000)));
  if (request.cancelled) {
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  }
  if (!request.unix_socket.empty())
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
}

}  // namespace

struct Http::State {
  std::unique_ptr<CURL, FreeHandle> handle;
};

Http::Http() : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  state_->handle.reset(curl_easy_init());
}
Http::~Http() = default;
Http::Http(Http&&) noexcept = default;

Result<Response> Http::send(const Request& request) {
  CURL* handle = state_->handle.get();
  curl_easy_reset(handle);  // options go, the connection stays
  const auto headers = header_list(request);
  Transfer transfer{request, handle, {}, {}, 0, false};
  char detail[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
  set_options(handle, transfer, headers.get());
  set_body(handle, transfer);
  const CURLcode code = curl_easy_perform(handle);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
  if (!transfer.failure) return transfer.failure.error();
  if (code != CURLE_OK)
    return Error(kind_of(code),
                 fmt::format("{} {}: {}", request.method, request.url.substr(0, request.url.find('?')),
                             *detail ? detail : curl_easy_strerror(code)));
  return std::move(transfer.response);
}

}  // namespace sagelet::client
