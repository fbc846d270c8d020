package dev.come.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** A hub with one model, owner/tiny, which knows ranges. */
final class FaultHub implements AutoCloseable {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    private final Path model;
    private final SortedMap<String, String> hashes;
    private final HttpServer server;

    FaultHub(Path model) throws IOException {
        this.model = model;
        this.hashes = Trial.hashes(model);
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(Thread.ofPlatform().daemon().factory()));
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange);
            }
        });
        server.start();
    }

    /** Where the hub is, and the caches, which lie below a folder. */
    Map<String, String> environment(Path work) {
        return Map.of("HF_ENDPOINT", "http://127.0.0.1:" + server.getAddress().getPort(), "HF_HOME",
                work.resolve("hf").toString(), "XDG_CACHE_HOME", work.resolve("cache").toString());
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/api/models/owner/tiny/revision/main")) {
            String files = hashes.keySet().stream().map(file -> "{\"rfilename\": \"" + file + "\"}")
                    .collect(Collectors.joining(", "));
            send(exchange, ("{\"sha\": \"" + COMMIT + "\", \"siblings\": [" + files + "]}")
                    .getBytes(StandardCharsets.UTF_8));
        } else if (path.startsWith("/owner/tiny/resolve/" + COMMIT + "/")) {
            String file = path.substring(path.lastIndexOf('/') + 1);
            exchange.getResponseHeaders().set("X-Linked-Etag", '"' + Objects.requireNonNull(hashes.get(file)) + '"');
            send(exchange, Files.readAllBytes(model.resolve(file)));
        } else {
            exchange.sendResponseHeaders(404, -1);
        }
    }

    private static void send(HttpExchange exchange, byte[] content) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-.*", "$1"));
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", "" + content.length);
            exchange.sendResponseHeaders(200, -1);
        } else if (from > 0) {
            exchange.getResponseHeaders().set("Content-Range",
                    "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            exchange.sendResponseHeaders(206, content.length - from);
            exchange.getResponseBody().write(content, from, content.length - from);
        } else {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
