#pragma once
// Why the store says no. Services turn it into the words of their clients.
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace sagelet::images {

enum class Why {
  kNoRepository,
  kRepositoryExists,
  kRepositoryNotEmpty,
  kBadName,
  kNoManifest,
  kManifestInvalid,
  kManifestInUse,     ///< an index names it
  kManifestsMissing,  ///< an index names manifests that are not here; `names` has them
  kDigestDiffers,     ///< the bytes are not what they were said to be
  kTagImmutable,
  kNoBlob,
  kBlobInUse,
  kBlobsMissing,  ///< an image names blobs that are not here; `names` has them
  kNoUpload,
  kUploadBusy,  ///< another request is feeding it
  kUploadEmpty,
  kTooManyUploads,
  kNoSpace,
  kInternal,
};

struct Refused {
  Why why = Why::kInternal;
  std::string message;
  std::vector<std::string> names;

  Refused(Why reason, std::string text, std::vector<std::string> list = {})
      : why(reason), message(std::move(text)), names(std::move(list)) {}
  /// What lower rooms could not do.
  Refused(const Error& error)
      : why(error.is(ErrorKind::kNoSpace) ? Why::kNoSpace : Why::kInternal), message(error.message()) {}
};

/// A T or the reason why not. For TRY, like Result.
template <class T>
class [[nodiscard]] Outcome : public tl::expected<T, Refused> {
 public:
  using tl::expected<T, Refused>::expected;
  Outcome(Refused refused) : tl::expected<T, Refused>(tl::unexpect, std::move(refused)) {}
  Outcome(tl::unexpected<Refused> refused) : tl::expected<T, Refused>(std::move(refused)) {}
  Outcome(const tl::unexpected<Error>& error)
      : tl::expected<T, Refused>(tl::unexpect, Refused(error.value())) {}
};

}  // namespace sagelet::images
