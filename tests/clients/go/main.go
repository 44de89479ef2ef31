// The story of tests/clients/story.py, told by the AWS SDK for Go: reads a plan, prints what it saw.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

type Plan struct {
	Endpoint  string            `json:"endpoint"`
	PathStyle bool              `json:"path_style"`
	Bucket    string            `json:"bucket"`
	Keys      []string          `json:"keys"`
	Bodies    []string          `json:"bodies"`
	Metadata  map[string]string `json:"metadata"`
	Page      int32             `json:"page"`
	Encoding  string            `json:"encoding"`
	Big       string            `json:"big"`
	BigSize   int64             `json:"big_size"`
	Removed   []string          `json:"removed"`
}

type object = map[string]any

var (
	plan Plan
	s3c  *s3.Client
	ctx  = context.Background()
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func connect() *s3.Client {
	// Names under localhost are this machine's, but the resolver does not know them.
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.DialContext = dial
		t.Proxy = nil
	})
	return s3.New(s3.Options{
		BaseEndpoint: &plan.Endpoint, Region: "us-east-1", UsePathStyle: plan.PathStyle, HTTPClient: client, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func content(key, span string) string {
	input := &s3.GetObjectInput{Bucket: &plan.Bucket, Key: &key}
	if span != "" {
		input.Range = &span
	}
	got := must(s3c.GetObject(ctx, input))
	defer got.Body.Close()
	sum := sha256.New()
	must(io.Copy(sum, got.Body))
	return hex.EncodeToString(sum.Sum(nil))
}

func failing(_ any, err error) string {
	if err == nil {
		return "none"
	}
	var answer *awshttp.ResponseError
	var api smithy.APIError
	errors.As(err, &answer)
	errors.As(err, &api)
	return fmt.Sprintf("%d %s", answer.HTTPStatusCode(), api.ErrorCode())
}

func put(key, body string, change func(*s3.PutObjectInput)) (*s3.PutObjectOutput, error) {
	input := &s3.PutObjectInput{Bucket: &plan.Bucket, Key: &key, Body: strings.NewReader(body)}
	change(input)
	return s3c.PutObject(ctx, input)
}

func ofKey(key, body string) object {
	must(put(key, body, func(in *s3.PutObjectInput) {
		in.ContentType, in.Metadata = aws.String("text/x-story"), plan.Metadata
	}))
	head := must(s3c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &plan.Bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled}))
	source := url.QueryEscape(plan.Bucket + "/" + key)
	must(s3c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &plan.Bucket, Key: aws.String("copy"), CopySource: &source}))
	signer := s3.NewPresignClient(s3c, s3.WithPresignExpires(10*time.Minute))
	get := must(signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &plan.Bucket, Key: &key}))
	put := must(signer.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &plan.Bucket, Key: &key}))
	return object{"size": *head.ContentLength, "type": *head.ContentType, "metadata": head.Metadata, "crc32": head.ChecksumCRC32,
		"content": content(key, ""), "range": content(key, "bytes=3-9"), "copy": content("copy", ""), "get_url": get.URL, "put_url": put.URL}
}

func listed() object {
	input := &s3.ListObjectsV2Input{Bucket: &plan.Bucket, MaxKeys: &plan.Page, EncodingType: types.EncodingType(plan.Encoding)}
	keys, pages := []string{}, 0
	for pager := s3.NewListObjectsV2Paginator(s3c, input); pager.HasMorePages(); pages++ {
		for _, item := range must(pager.NextPage(ctx)).Contents {
			keys = append(keys, *item.Key)
		}
	}
	return object{"keys": keys, "pages": pages}
}

func uploads() object {
	file := must(os.Open(plan.Big))
	up := manager.NewUploader(s3c, func(u *manager.Uploader) { u.PartSize = 5 << 20 })
	done := must(up.Upload(ctx, &s3.PutObjectInput{Bucket: &plan.Bucket, Key: aws.String("parts"), Body: file}))
	must(file.Seek(0, io.SeekStart))
	must(s3c.PutObject(ctx, &s3.PutObjectInput{Bucket: &plan.Bucket, Key: aws.String("stream"), Body: io.NopCloser(file),
		ContentLength: &plan.BigSize}, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)))
	buffer := manager.NewWriteAtBuffer(nil)
	down := manager.NewDownloader(s3c, func(d *manager.Downloader) { d.PartSize = 3 << 20 })
	must(down.Download(ctx, buffer, &s3.GetObjectInput{Bucket: &plan.Bucket, Key: aws.String("parts")}))
	sum := sha256.Sum256(buffer.Bytes())
	return object{"etag": *done.ETag, "parts": hex.EncodeToString(sum[:]), "stream": content("stream", ""),
		"tail": content("parts", "bytes=-1000")}
}

func conditions() object {
	there := must(put("one", "first", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }))
	return object{
		"again": failing(put("one", "second", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })),
		"other": failing(put("one", "third", func(in *s3.PutObjectInput) {
			in.IfMatch = aws.String(`"0123456789abcdef0123456789abcdef"`)
		})),
		"same":    failing(put("one", "fourth", func(in *s3.PutObjectInput) { in.IfMatch = there.ETag })),
		"missing": failing(s3c.GetObject(ctx, &s3.GetObjectInput{Bucket: &plan.Bucket, Key: aws.String("nothing here")})),
		"one":     content("one", ""),
	}
}

func remove(key string) {
	must(s3c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &plan.Bucket, Key: &key}))
}

func removed() []string {
	for _, key := range []string{"copy", "parts", "stream"} {
		remove(key)
	}
	all := []types.ObjectIdentifier{}
	for i := range plan.Removed {
		all = append(all, types.ObjectIdentifier{Key: &plan.Removed[i]})
	}
	gone := must(s3c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &plan.Bucket, Delete: &types.Delete{Objects: all}}))
	keys := []string{}
	for _, item := range gone.Deleted {
		keys = append(keys, *item.Key)
	}
	return keys
}

func main() {
	if err := json.Unmarshal(must(os.ReadFile(os.Args[1])), &plan); err != nil {
		panic(err)
	}
	s3c = connect()
	keys := []object{}
	for i, key := range plan.Keys {
		keys = append(keys, ofKey(key, plan.Bodies[i]))
	}
	remove("copy")
	told := object{"keys": keys, "listed": listed(), "uploads": uploads(), "conditions": conditions(), "removed": removed()}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		panic(err)
	}
}
