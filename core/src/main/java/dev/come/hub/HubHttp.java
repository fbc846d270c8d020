package dev.come.hub;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Version;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Talks to the hub. Redirects are followed here rather than by the client, because the token is for the hub alone: it
 * is not sent to the servers that large files are handed out by.
 */
final class HubHttp implements AutoCloseable {
    private static final int MOST_REDIRECTS = 10;
    private static final Duration CONNECTING = Duration.ofSeconds(20);
    private static final Pattern NEXT = Pattern.compile("<([^<>]*)>\\s*;\\s*rel=\"?next\"?");
    private static final Pattern ETAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}");

    private final HubSettings settings;
    private final Refusals refusals;
    private final Duration silence;
    private @Nullable HttpClient client;

    HubHttp(HubSettings settings, Duration silence) {
        this.settings = settings;
        this.refusals = new Refusals(settings);
        this.silence = silence;
    }

    /**
     * What a request is about, for messages.
     *
     * @param file a file, or nothing where the list of files is asked for
     */
    record Subject(Repository repository, String revision, Optional<String> file) {
        @Override
        public String toString() {
            return repository + file.map(name -> "/" + name).orElse("");
        }
    }

    /**
     * What the hub says of a file.
     *
     * @param etag what the content is called in the cache: its SHA-256 or its git hash
     * @param size in bytes
     */
    record Facts(String etag, long size) {}

    /** What a server says of a file before it is asked for the content; a mirror may leave out either. */
    record Told(Optional<String> etag, OptionalLong size) {}

    /** A list that the hub answers with, or a part of it and where it goes on. */
    record Page(byte[] content, Optional<URI> next) {}

    /** The list at an address of the hub. */
    Page read(URI uri, Subject about) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = send("GET", uri, Optional.empty(), about, new ArrayList<>());
        try (InputStream body = response.body();
                StallGuard guard = new StallGuard(ContentCoding.plain(response), body, silence)) {
            byte[] answer = guard.read(Limits.ANSWER_BYTES + 1);
            if (answer.length > Limits.ANSWER_BYTES) {
                throw new InvalidInputException(uri.getHost() + " answers with more than " + Limits.ANSWER_BYTES
                        + " bytes where a list of files is expected; check HF_ENDPOINT");
            }
            return new Page(answer, next(response));
        }
    }

    /** Where a list goes on (RFC 8288), if that is on the hub too. */
    Optional<URI> next(HttpResponse<?> response) {
        Matcher link = NEXT.matcher(String.join(", ", response.headers().allValues("Link")));
        try {
            return link.find()
                    ? Optional.of(response.uri().resolve(link.group(1))).filter(uri -> uri.getHost() != null)
                            .filter(this::isHub)
                    : Optional.empty();
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** The content of a file from a byte on; the status says whether the server went along with that (206) or not (200). */
    HttpResponse<InputStream> open(URI uri, long from, Subject about) throws IOException, InterruptedException {
        Optional<String> range = from > 0 ? Optional.of("bytes=" + from + "-") : Optional.empty();
        return send("GET", uri, range, about, new ArrayList<>());
    }

    /**
     * A part of a file. A server that knows no ranges sends everything; then the connection is closed behind the part.
     *
     * @param from where the part begins
     * @param length its bytes; so many follow
     * @param size bytes of the whole file
     */
    byte[] part(URI uri, long from, int length, long size, Subject about) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = send("GET", uri,
                Optional.of("bytes=" + from + "-" + (from + length - 1)), about, new ArrayList<>());
        try (InputStream body = response.body();
                StallGuard guard = new StallGuard(ContentCoding.plain(response), body, silence)) {
            boolean whole = response.statusCode() == 200;
            if (!whole && !isPart(response, from, size)) {
                throw new IOException("the server sends another part of " + about + " than was asked for");
            }
            long before = guard.skip(whole ? from : 0);
            byte[] bytes = guard.read(length);
            if (bytes.length < length) {
                throw new IOException(
                        "the connection broke off after " + (before + bytes.length) + " bytes of " + about);
            }
            return bytes;
        }
    }

    /** Whether an answer is the part of a file that begins there. */
    static boolean isPart(HttpResponse<?> response, long from, long size) {
        String range = response.headers().firstValue("Content-Range").orElse("");
        return response.statusCode() == 206 && ContentCoding.isPlain(response.headers())
                && range.startsWith("bytes " + from + "-")
                && (range.endsWith("/" + size) || range.endsWith("/*"));
    }

    /** What the hub says of a file, without its content. */
    Told told(URI uri, String commit, Subject about) throws IOException, InterruptedException {
        List<HttpHeaders> chain = new ArrayList<>();
        HttpResponse<InputStream> last = send("HEAD", uri, Optional.empty(), about, chain);
        last.body().close();
        for (HttpHeaders headers : chain) {
            headers.firstValue("X-Repo-Commit").filter(other -> !other.equals(commit)).ifPresent(other -> {
                throw new FailedException(settings.endpoint() + " hands out " + about + " of commit " + Shown.of(other)
                        + " where that of " + commit + " was asked for; check HF_ENDPOINT");
            });
        }
        Optional<String> etag = last(chain, "X-Linked-Etag").or(() -> last.headers().firstValue("ETag"))
                .map(HubHttp::withoutQuotes);
        etag.filter(name -> !isEtag(name)).ifPresent(name -> {
            throw new FailedException(
                    uri + " has the ETag '" + Shown.of(name) + "', which is no name for a file, so it cannot be"
                            + " kept in the cache of the hub; check that HF_ENDPOINT is a hub");
        });
        boolean ownLength = last.statusCode() == 200 && ContentCoding.isPlain(last.headers());
        return new Told(etag, number(last(chain, "X-Linked-Size")
                .or(() -> ownLength ? last.headers().firstValue("Content-Length") : Optional.empty())));
    }

    /** Whether a text can be what content is called in the cache. */
    static boolean isEtag(String text) {
        return ETAG.matcher(text).matches();
    }

    @Override
    public synchronized void close() {
        if (client != null) {
            client.shutdownNow();
        }
    }

    /** Made at first use: without the network it is not needed. */
    synchronized HttpClient client() {
        if (client == null) {
            // HTTP/1.1 has one connection for each file, so that one that is slow or breaks holds up no other.
            client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(Redirect.NEVER)
                    .connectTimeout(CONNECTING).build();
        }
        return client;
    }

    private static Optional<String> last(List<HttpHeaders> chain, String name) {
        return chain.reversed().stream().flatMap(headers -> headers.firstValue(name).stream()).findFirst();
    }

    private static String withoutQuotes(String etag) {
        return etag.replaceFirst("^W/", "").replace("\"", "");
    }

    static OptionalLong number(Optional<String> text) {
        return text.filter(digits -> digits.matches("\\d{1,18}")).map(digits -> OptionalLong.of(Long.parseLong(digits)))
                .orElse(OptionalLong.empty());
    }

    /**
     * Sends a request and follows redirects; that of a HEAD to another server is where it ends, for the hub has said all by
     * then.
     *
     * @param range the part that is wanted, if not all is
     * @param chain where the headers of all answers are put
     */
    private HttpResponse<InputStream> send(String method, URI uri, Optional<String> range, Subject about,
            List<HttpHeaders> chain) throws IOException, InterruptedException {
        URI at = uri;
        for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
            HttpResponse<InputStream> response = client().send(request(method, at, range),
                    BodyHandlers.ofInputStream());
            chain.add(response.headers());
            int status = response.statusCode();
            if (status == 200 || status == 206 || (status == 416 && range.isPresent())) {
                return response;
            }
            if (status < 300 || status >= 400) {
                response.body().close();
                throw refusals.of(response, at, isHub(at), about);
            }
            Optional<URI> to = location(response, at);
            if (to.isEmpty()) {
                response.body().close();
                throw new FailedException(at.getHost() + " answers with a redirect (" + status
                        + ") to nowhere; check that HF_ENDPOINT is a hub");
            }
            if (method.equals("HEAD") && !isHub(to.get())) {
                return response;
            }
            response.body().close();
            at = to.get();
        }
        throw new FailedException(uri + " leads from one redirect to the next; check that HF_ENDPOINT is a hub");
    }

    private HttpRequest request(String method, URI uri, Optional<String> range) {
        HttpRequest.Builder request = request(uri).method(method, BodyPublishers.noBody()).timeout(silence);
        range.ifPresent(part -> request.header("Range", part));
        return request.build();
    }

    /** The beginning of any request; the token is in it where it goes to the hub itself. */
    HttpRequest.Builder request(URI uri) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).header("User-Agent", Version.NAME.replace(' ', '-'))
                // Otherwise the length that is told would be that of a compressed body.
                .header("Accept-Encoding", "identity");
        if (isHub(uri)) {
            settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        }
        return request;
    }

    /** Whether an address is one of the hub itself: same scheme, host and port. */
    boolean isHub(URI uri) {
        URI hub = settings.endpoint();
        return hub.getScheme().equalsIgnoreCase(uri.getScheme()) && hub.getHost().equalsIgnoreCase(uri.getHost())
                && port(hub) == port(uri);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
    }

    static Optional<URI> location(HttpResponse<?> response, URI at) {
        try {
            Optional<URI> to = response.headers().firstValue("Location").map(at::resolve)
                    .filter(uri -> uri.getHost() != null);
            to.ifPresent(uri -> {
                boolean secure = uri.getScheme().equals("https");
                if (!secure && (!uri.getScheme().equals("http") || at.getScheme().equals("https"))) {
                    throw new FailedException(at.getHost() + " redirects to " + uri.getScheme() + "://" + uri.getHost()
                            + ", which is not encrypted; check the network for someone who interferes");
                }
            });
            return to;
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }
}
