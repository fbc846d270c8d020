package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Speaks the routes of the hub on this machine. Files ending in .safetensors or .parquet are large ones: the hub, reached
 * as 127.0.0.1, redirects to a store, reached as localhost, as the real one does to another host.
 */
public final class LocalHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    private static final int PIECE = 1 << 16;

    private final HttpServer hub;
    private final HttpServer store;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, Map<String, byte[]>> repositories = new ConcurrentHashMap<>();
    private final Map<String, Deque<HttpHandler>> faults = new ConcurrentHashMap<>();
    private final Map<String, HttpHandler> changed = new ConcurrentHashMap<>();
    private final Map<String, byte[]> blobs = new ConcurrentHashMap<>();

    /** What was asked of the hub: method, path, and the range in brackets. */
    final List<String> requests = new CopyOnWriteArrayList<>();
    /** The same for the store, by the name of the file. */
    final List<String> storeRequests = new CopyOnWriteArrayList<>();
    /** How many bytes of content the store has sent. */
    final AtomicLong storeBytes = new AtomicLong();
    /** The Authorization headers that either was sent. */
    final Set<String> hubTokens = Collections.synchronizedSet(new LinkedHashSet<>());
    final Set<String> storeTokens = Collections.synchronizedSet(new LinkedHashSet<>());

    public LocalHub() {
        hub = serve(this::answerAsHub);
        store = serve(this::answerAsStore);
    }

    private HttpServer serve(HttpHandler handler) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                try (exchange) {
                    handler.handle(exchange);
                }
            });
            server.setExecutor(threads);
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Where the hub is. */
    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    private String storeAddress() {
        return "http://localhost:" + store.getAddress().getPort();
    }

    /** Settings for a user without a token. */
    public HubSettings settings(Path cache) {
        return new HubSettings(endpoint(), cache, Optional.empty(), false);
    }

    /** Puts a file into a repository: {@code OWNER/NAME}, or {@code datasets/OWNER/NAME}. */
    public LocalHub file(String repository, String name, byte[] content) {
        repositories.computeIfAbsent(repository, _ -> Collections.synchronizedMap(new LinkedHashMap<>())).put(name,
                content);
        return this;
    }

    /** Puts all files of a folder into a repository. */
    public LocalHub folder(String repository, Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                file(repository, file.getFileName().toString(), Files.readAllBytes(file));
            }
            return this;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    LocalHub file(String repository, String name, String content) {
        return file(repository, name, content.getBytes(StandardCharsets.UTF_8));
    }

    /** Has the next request whose path ends so answered in another way, on the hub or, by a file's name, on the store. */
    void fault(String pathEnd, HttpHandler answer) {
        faults.computeIfAbsent(pathEnd, _ -> new ArrayDeque<>()).add(answer);
    }

    /** Has all requests whose path ends so answered in another way. */
    void always(String pathEnd, HttpHandler answer) {
        changed.put(pathEnd, answer);
    }

    /**
     * An answer with a status and headers, and no content. What was sent is read first: else the connection may end with it, which
     * is another fault.
     */
    static HttpHandler status(int status, String... headers) {
        return exchange -> {
            exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, -1);
        };
    }

    /** Content that breaks off after so many bytes. */
    static HttpHandler breakingOff(byte[] content, int after) {
        return exchange -> {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content, 0, after);
            exchange.getResponseBody().flush();
        };
    }

    /** Content that falls silent after so many bytes, on a connection that stays. */
    static HttpHandler fallingSilent(byte[] content, int after) {
        return exchange -> {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content, 0, after);
            exchange.getResponseBody().flush();
            try {
                Thread.sleep(20_000);
            } catch (InterruptedException _) {
                // the test is over
            }
        };
    }

    /** Other content than was promised. */
    static HttpHandler content(byte[] content) {
        return exchange -> send(exchange, 200, content);
    }

    static String sha256(byte[] content) {
        return hex("SHA-256", content);
    }

    static String gitHash(byte[] content) {
        byte[] prefix = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[prefix.length + content.length];
        System.arraycopy(prefix, 0, all, 0, prefix.length);
        System.arraycopy(content, 0, all, prefix.length, content.length);
        return hex("SHA-1", all);
    }

    private static String hex(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** How many bytes of large files were sent. */
    public long bytesOfLargeFiles() {
        return storeBytes.get();
    }

    /** Counts requests to the store. */
    long storeRequests(String name) {
        return storeRequests.stream().filter(request -> request.contains(name)).count();
    }

    private void answerAsHub(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        requests.add(
                exchange.getRequestMethod() + " " + path + range(exchange).map(text -> " [" + text + "]").orElse(""));
        hubTokens.addAll(exchange.getRequestHeaders().getOrDefault("Authorization", List.of()));
        if (answeredOtherwise(path, exchange)) {
            return;
        }
        if (path.startsWith("/api/") && path.contains("/tree/")) {
            send(exchange, 200,
                    tree(path.replaceFirst("/api/(models/|(?=datasets/))", "").replaceFirst("/tree/.*", "")));
            return;
        }
        if (path.startsWith("/api/")) {
            String name = path.replaceFirst("/api/(models/|(?=datasets/))", "").replaceFirst("/revision/[^/]+$", "");
            Map<String, byte[]> files = repositories.get(name);
            if (files == null) {
                status(401, "X-Error-Code", "RepoNotFound").handle(exchange);
            } else {
                String siblings = files.keySet().stream()
                        .map(file -> "{\"rfilename\": \"" + file.replace("\\", "\\\\") + "\"}")
                        .collect(Collectors.joining(", "));
                send(exchange, 200,
                        ("{\"id\": \"" + name + "\", \"sha\": \"" + COMMIT + "\", \"siblings\": [" + siblings
                                + "]}").getBytes(StandardCharsets.UTF_8));
            }
            return;
        }
        String[] parts = path.split("/resolve/[^/]+/", 2);
        String file = URLDecoder.decode(parts[1], StandardCharsets.UTF_8);
        byte[] content = repositories.getOrDefault(parts[0].substring(1), Map.of()).get(file);
        exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
        if (content == null) {
            status(404, "X-Error-Code", "EntryNotFound").handle(exchange);
        } else if (isLarge(file)) {
            blobs.put("/" + parts[1], content);
            status(302, "X-Linked-Etag", '"' + sha256(content) + '"', "X-Linked-Size", "" + content.length, "Location",
                    storeAddress() + "/" + parts[1] + "?signed=yes").handle(exchange);
        } else {
            exchange.getResponseHeaders().set("ETag", "W/\"" + gitHash(content) + '"');
            send(exchange, 200, content);
        }
    }

    private byte[] tree(String repository) {
        return repositories.getOrDefault(repository, Map.of()).entrySet().stream()
                .map(file -> entry(file.getKey(), file.getValue())).collect(Collectors.joining(", ", "[", "]"))
                .getBytes(StandardCharsets.UTF_8);
    }

    /** An entry of a tree, as the hub has them. */
    static String entry(String name, byte[] content) {
        String large = isLarge(name)
                ? ", \"lfs\": {\"oid\": \"" + sha256(content) + "\", \"size\": " + content.length
                        + ", \"pointerSize\": 134}"
                : "";
        return "{\"type\": \"file\", \"oid\": \"" + gitHash(content) + "\", \"size\": " + content.length
                + ", \"path\": \"" + name.replace("\\", "\\\\") + "\"" + large + "}";
    }

    private static boolean isLarge(String name) {
        return name.endsWith(".safetensors") || name.endsWith(".parquet");
    }

    private void answerAsStore(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        Optional<String> range = range(exchange);
        storeRequests.add(exchange.getRequestMethod() + " " + path + range.map(text -> " [" + text + "]").orElse(""));
        storeTokens.addAll(exchange.getRequestHeaders().getOrDefault("Authorization", List.of()));
        if (answeredOtherwise("store:" + path, exchange)) {
            return;
        }
        byte[] content = blobs.getOrDefault(path, new byte[0]);
        if (range.isEmpty()) {
            exchange.sendResponseHeaders(200, content.length == 0 ? -1 : content.length);
            write(exchange, content, 0, content.length);
            return;
        }
        String[] ends = range.get().replace("bytes=", "").split("-", 2);
        int from = Integer.parseInt(ends[0]);
        int end = ends[1].isEmpty() ? content.length : Math.min(content.length, Integer.parseInt(ends[1]) + 1);
        if (from >= content.length) {
            status(416).handle(exchange);
            return;
        }
        exchange.getResponseHeaders().set("Content-Range",
                "bytes " + from + "-" + (end - 1) + "/" + content.length);
        exchange.sendResponseHeaders(206, end - from);
        write(exchange, content, from, end);
    }

    /** Waits for the count, since a client may have the last bytes before they are counted. */
    void assertStoreBytes(long expected) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (storeBytes.get() != expected && System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        assertThat(storeBytes).hasValue(expected);
    }

    /** Sends bytes from the store piece by piece, so that it shows how many were taken. */
    void write(HttpExchange exchange, byte[] content, int from, int end) throws IOException {
        for (int at = from; at < end; at += PIECE) {
            int length = Math.min(PIECE, end - at);
            exchange.getResponseBody().write(content, at, length);
            storeBytes.addAndGet(length);
        }
    }

    private boolean answeredOtherwise(String path, HttpExchange exchange) throws IOException {
        for (Map.Entry<String, Deque<HttpHandler>> entry : faults.entrySet()) {
            HttpHandler fault;
            synchronized (faults) {
                fault = path.endsWith(entry.getKey()) ? entry.getValue().poll() : null;
            }
            if (fault != null) {
                fault.handle(exchange);
                return true;
            }
        }
        for (Map.Entry<String, HttpHandler> entry : changed.entrySet()) {
            if (path.endsWith(entry.getKey())) {
                entry.getValue().handle(exchange);
                return true;
            }
        }
        return false;
    }

    private static Optional<String> range(HttpExchange exchange) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range"));
    }

    private static void send(HttpExchange exchange, int status, byte[] content) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", "" + content.length);
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(content);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
