package dev.come.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Takes uploads on this machine by the routes of the hub. The hub, reached as 127.0.0.1, sends large files to a store, reached
 * as localhost, where addresses are signed: each is good for the upload that it was given for and no other.
 */
final class UploadHub implements AutoCloseable {
    static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";
    private static final JsonMapper JSON = new JsonMapper();
    /** Texts up to this size are small files. */
    private static final int SMALL_BYTES = 1000;

    private final HttpServer hub;
    private final HttpServer store;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, Deque<HttpHandler>> faults = new ConcurrentHashMap<>();
    private final AtomicInteger uploads = new AtomicInteger();
    /** Parts of an upload by its number. */
    private final Map<String, Map<Integer, byte[]>> parts = new ConcurrentHashMap<>();
    private final Map<String, byte[]> contents = new ConcurrentHashMap<>();

    /** The branches of each repository, and their files. */
    final Map<String, Map<String, Map<String, byte[]>>> repositories = new ConcurrentHashMap<>();
    /** Repositories that not everybody sees. */
    final Set<String> secret = ConcurrentHashMap.newKeySet();
    /** What was asked of the hub: method and path. */
    final List<String> requests = new CopyOnWriteArrayList<>();
    /** The same of the store, with the query. */
    final List<String> storeRequests = new CopyOnWriteArrayList<>();
    final List<String> messages = new CopyOnWriteArrayList<>();
    final Set<String> hubTokens = Collections.synchronizedSet(new LinkedHashSet<>());
    final Set<String> storeTokens = Collections.synchronizedSet(new LinkedHashSet<>());
    /** The bytes of a part; 0: files go in one piece. */
    volatile int partBytes;
    /** Whether new repositories are public whatever was asked for. */
    volatile boolean ignoresPrivate;

    UploadHub() {
        hub = serve(this::answerAsHub, "");
        store = serve(this::answerAsStore, "store:");
    }

    private HttpServer serve(HttpHandler handler, String prefix) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                try (exchange) {
                    String line = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
                    fault(prefix + line).orElse(handler).handle(exchange);
                }
            });
            server.setExecutor(threads);
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Optional<HttpHandler> fault(String line) {
        if (!line.startsWith("store:")) {
            requests.add(line);
        }
        return faults.entrySet().stream().filter(fault -> line.contains(fault.getKey())).flatMap(fault -> {
            synchronized (faults) {
                return Stream.ofNullable(fault.getValue().poll());
            }
        }).findFirst();
    }

    /** Has the next request answered in another way whose line, {@code METHOD /path} or {@code store:METHOD /path}, holds a text. */
    void fault(String text, HttpHandler answer) {
        faults.computeIfAbsent(text, _ -> new ArrayDeque<>()).add(answer);
    }

    /** Has the store answer as it always does. */
    HttpHandler asUsual() {
        return this::answerAsStore;
    }

    /** Where the hub is. */
    URI endpoint() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    private String storeAddress() {
        return "http://localhost:" + store.getAddress().getPort();
    }

    HubSettings settings(Path cache) {
        return new HubSettings(endpoint(), cache, Optional.of("hf_secret"), false);
    }

    /** The files of a branch. */
    Map<String, byte[]> files(String repository, String branch) {
        return repositories.getOrDefault(repository, Map.of()).getOrDefault(branch, Map.of());
    }

    void make(String repository) {
        repositories.computeIfAbsent(repository, _ -> new ConcurrentHashMap<>()).computeIfAbsent("main",
                _ -> new TreeMap<>(
                        Map.of(".gitattributes", "*.safetensors filter=lfs".getBytes(StandardCharsets.UTF_8))));
    }

    private void answerAsHub(HttpExchange exchange) throws IOException {
        hubTokens.addAll(exchange.getRequestHeaders().getOrDefault("Authorization", List.of("none")));
        String path = exchange.getRequestURI().getPath();
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (path.equals("/api/repos/create")) {
            create(exchange, JSON.readTree(body));
        } else if (path.equals("/complete")) {
            complete(exchange, JSON.readTree(body));
        } else if (path.equals("/verify")) {
            JsonNode object = JSON.readTree(body);
            byte[] content = contents.get(object.path("oid").asString());
            send(exchange, content != null && content.length == object.path("size").asInt() ? 200 : 404, "{}");
        } else if (path.endsWith(".git/info/lfs/objects/batch")) {
            send(exchange, 200, batch(JSON.readTree(body)));
        } else {
            String[] words = path.replace("/api/models/", "").split("/", 4);
            String name = words[0] + "/" + words[1];
            if (!repositories.containsKey(name)) {
                LocalHub.status(404, "X-Error-Code", "RepoNotFound").handle(exchange);
            } else if (words.length == 2) {
                send(exchange, 200, "{\"id\": \"" + name + "\", \"private\": " + secret.contains(name) + "}");
            } else {
                branch(exchange, name, words[2], words[3], body);
            }
        }
    }

    private void create(HttpExchange exchange, JsonNode wanted) throws IOException {
        String name = wanted.path("organization").asString() + "/" + wanted.path("name").asString();
        if (repositories.containsKey(name)) {
            send(exchange, 409, "{}");
            return;
        }
        make(name);
        boolean asked = wanted.path("private").asBoolean(false)
                || wanted.path("visibility").asString("").equals("private");
        if (asked && !ignoresPrivate) {
            secret.add(name);
        }
        send(exchange, 200, "{\"url\": \"" + endpoint() + "/" + name + "\"}");
    }

    private void branch(HttpExchange exchange, String name, String what, String branch, byte[] body)
            throws IOException {
        Map<String, Map<String, byte[]>> branches = repositories.getOrDefault(name, Map.of());
        if (what.equals("branch")) {
            branches.putIfAbsent(branch, new TreeMap<>(files(name, "main")));
            send(exchange, 200, "{}");
        } else if (!branches.containsKey(branch)) {
            LocalHub.status(404, "X-Error-Code", "RevisionNotFound").handle(exchange);
        } else if (what.equals("tree")) {
            send(exchange, 200, files(name, branch).entrySet().stream()
                    .map(file -> entry(file.getKey(), file.getValue())).collect(Collectors.joining(", ", "[", "]")));
        } else if (what.equals("preupload")) {
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            ArrayNode files = answer.putArray("files");
            JSON.readTree(body).path("files").forEach(file -> files.addObject()
                    .put("path", file.path("path").asString()).put("shouldIgnore", false)
                    .put("uploadMode", isLarge(file.path("path").asString(), file.path("size").asInt())
                            ? "lfs"
                            : "regular"));
            send(exchange, 200, answer.toString());
        } else if (what.equals("commit")) {
            commit(files(name, branch), new String(body, StandardCharsets.UTF_8));
            send(exchange, 200,
                    "{\"success\": true, \"commitOid\": \"" + COMMIT + "\", \"commitUrl\": \"" + endpoint() + "/" + name
                            + "/commit/" + COMMIT + "\"}");
        } else {
            send(exchange, 400, "{}");
        }
    }

    private static boolean isLarge(String name, int size) {
        return name.endsWith(".safetensors") || size > SMALL_BYTES;
    }

    private static String entry(String name, byte[] content) {
        String lfs = isLarge(name, content.length)
                ? ", \"lfs\": {\"oid\": \"" + LocalHub.sha256(content) + "\", \"size\": " + content.length + "}"
                : "";
        return "{\"type\": \"file\", \"path\": \"" + name + "\", \"size\": " + content.length + ", \"oid\": \""
                + LocalHub.gitHash(content) + "\"" + lfs + "}";
    }

    /** What does not hold together is no answer but a failure, which the test sees. */
    private void commit(Map<String, byte[]> files, String lines) {
        Map<String, byte[]> after = new TreeMap<>(files);
        for (String line : lines.lines().toList()) {
            JsonNode value = JSON.readTree(line).path("value");
            switch (JSON.readTree(line).path("key").asString()) {
                case "header" -> messages.add(value.path("summary").asString());
                case "file" -> after.put(value.path("path").asString(),
                        Base64.getDecoder().decode(value.path("content").asString()));
                case "lfsFile" -> {
                    byte[] content = contents.get(value.path("oid").asString());
                    if (content == null || content.length != value.path("size").asInt()) {
                        throw new IllegalStateException("no content for " + line);
                    }
                    after.put(value.path("path").asString(), content);
                }
                case "deletedFile" -> after.remove(value.path("path").asString());
                default -> throw new IllegalStateException(line);
            }
        }
        files.clear();
        files.putAll(after);
    }

    private String batch(JsonNode question) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        ArrayNode objects = answer.putArray("objects");
        for (JsonNode object : question.path("objects")) {
            String oid = object.path("oid").asString();
            int size = object.path("size").asInt();
            ObjectNode told = objects.addObject().put("oid", oid).put("size", size);
            if (contents.containsKey(oid)) {
                continue;
            }
            String id = "" + uploads.incrementAndGet();
            parts.put(id, new ConcurrentHashMap<>());
            ObjectNode actions = told.putObject("actions");
            ObjectNode upload = actions.putObject("upload");
            actions.putObject("verify").put("href", endpoint() + "/verify");
            if (partBytes == 0) {
                upload.put("href", storeAddress() + "/" + oid + "?upload=" + id + "&part=1&length=" + size);
                continue;
            }
            upload.put("href", endpoint() + "/complete?upload=" + id);
            ObjectNode header = upload.putObject("header").put("chunk_size", "" + partBytes);
            for (int part = 1; (part - 1) * partBytes < size; part++) {
                header.put(String.format(Locale.ROOT, "%05d", part),
                        storeAddress() + "/" + oid + "?upload=" + id + "&part=" + part
                                + "&length=" + Math.min(partBytes, size - (part - 1) * partBytes));
            }
        }
        return answer.toString();
    }

    private void answerAsStore(HttpExchange exchange) throws IOException {
        storeTokens.addAll(exchange.getRequestHeaders().getOrDefault("Authorization", List.of()));
        Map<String, String> query = query(exchange);
        Map<Integer, byte[]> upload = parts.get(query.get("upload"));
        if (upload == null) {
            send(exchange, 403, "");
            return;
        }
        byte[] content = exchange.getRequestBody().readAllBytes();
        if (content.length != Integer.parseInt(query.get("length"))) {
            send(exchange, 400, "");
            return;
        }
        int part = Integer.parseInt(query.get("part"));
        storeRequests.add("PUT " + query.get("upload") + "/" + part + " " + content.length);
        upload.put(part, content);
        if (partBytes == 0) {
            contents.put(exchange.getRequestURI().getPath().substring(1), content);
        }
        exchange.getResponseHeaders().set("ETag", "\"" + LocalHub.sha256(content) + "\"");
        send(exchange, 200, "");
    }

    private void complete(HttpExchange exchange, JsonNode told) throws IOException {
        Map<Integer, byte[]> upload = parts.get(query(exchange).get("upload"));
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (JsonNode part : told.path("parts")) {
            byte[] bytes = upload == null ? null : upload.get(part.path("partNumber").asInt());
            if (bytes == null || !part.path("etag").asString().equals("\"" + LocalHub.sha256(bytes) + "\"")) {
                send(exchange, 404, "{}");
                return;
            }
            content.write(bytes);
        }
        boolean whole = LocalHub.sha256(content.toByteArray()).equals(told.path("oid").asString());
        if (whole) {
            contents.put(told.path("oid").asString(), content.toByteArray());
            parts.remove(query(exchange).get("upload"));
        }
        send(exchange, whole ? 200 : 422, "{}");
    }

    /** Has the store forget all uploads that are not complete, as it does after some hours. */
    void forget() {
        parts.clear();
    }

    /** Takes so many bytes of a part, and closes the connection. */
    static HttpHandler closingAfter(int bytes) {
        return exchange -> {
            try (InputStream body = exchange.getRequestBody()) {
                body.readNBytes(bytes);
            }
            throw new IOException("closed by the test");
        };
    }

    private static Map<String, String> query(HttpExchange exchange) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String pair : String.valueOf(exchange.getRequestURI().getQuery()).split("&", -1)) {
            String[] parts = pair.split("=", 2);
            values.put(parts[0], parts.length > 1 ? parts[1] : "");
        }
        return values;
    }

    private static void send(HttpExchange exchange, int status, String content) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
