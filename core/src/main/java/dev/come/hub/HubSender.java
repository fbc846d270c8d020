package dev.come.hub;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.Limits;
import dev.come.failure.Thrown;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sends to the hub, and to the stores that it names for large files. Redirects are followed here, with the token for the hub
 * alone, as {@link HubHttp} does for what is asked for.
 */
final class HubSender {
    static final String JSON = "application/json";
    static final String LINES = "application/x-ndjson";
    static final String LFS = "application/vnd.git-lfs+json";

    private static final int MOST_REDIRECTS = 10;
    private static final long STEP_MILLISECONDS = 100;
    private static final JsonMapper MAPPER = new JsonMapper();

    private final HubHttp http;
    private final UploadRefusals refusals;
    private final Duration silence;

    HubSender(HubHttp http, HubSettings settings, Duration silence) {
        this.http = http;
        this.refusals = new UploadRefusals(settings);
        this.silence = silence;
    }

    /**
     * What a server answers.
     *
     * @param code the hub's own name of what is wrong, or empty
     * @param next where a list goes on
     */
    record Answer(int status, String code, byte[] content, Optional<URI> next) {
        boolean isFine() {
            return status < 300;
        }

        /** @throws FailedException if it is no JSON */
        JsonNode json(URI from) {
            try {
                return MAPPER.readTree(content);
            } catch (JacksonException e) {
                throw new FailedException(from.getHost() + " does not answer as a hub does; check HF_ENDPOINT", e);
            }
        }
    }

    /** Asks the hub; an answer that something is not there is an answer. */
    Answer get(URI uri, HubHttp.Subject about) throws IOException, InterruptedException {
        return exchange(uri, http.request(uri).GET(), about, Set.of(401, 404));
    }

    /**
     * Posts something.
     *
     * @param fine answers that are no failure, besides those of success
     */
    Answer post(URI uri, String type, byte[] body, HubHttp.Subject about, Set<Integer> fine)
            throws IOException, InterruptedException {
        return exchange(uri,
                http.request(uri).header("Content-Type", type).header("Accept", type.equals(LFS) ? LFS : JSON)
                        .POST(BodyPublishers.ofByteArray(body)),
                about, fine);
    }

    private Answer exchange(URI uri, HttpRequest.Builder request, HubHttp.Subject about, Set<Integer> fine)
            throws IOException, InterruptedException {
        URI at = uri;
        HttpRequest.Builder to = request;
        for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
            HttpRequest sent = to.timeout(silence).build();
            HttpResponse<InputStream> response = http.client().send(sent, BodyHandlers.ofInputStream());
            Optional<URI> next = redirect(response, at);
            if (next.isEmpty()) {
                return answer(response, about, fine);
            }
            response.body().close();
            at = next.get();
            to = again(sent, at);
        }
        throw endless(uri);
    }

    /** The same request for another address, with the token if that is on the hub. */
    private HttpRequest.Builder again(HttpRequest sent, URI at) {
        HttpRequest.Builder request = http.request(at).method(sent.method(),
                sent.bodyPublisher().orElse(BodyPublishers.noBody()));
        for (String name : Set.of("Content-Type", "Accept")) {
            sent.headers().firstValue(name).ifPresent(value -> request.header(name, value));
        }
        return request;
    }

    private static FailedException endless(URI uri) {
        return new FailedException(
                uri.getHost() + " leads from one redirect to the next; check that HF_ENDPOINT is a hub");
    }

    /** Where a request is to be sent instead, content and all. */
    private static Optional<URI> redirect(HttpResponse<InputStream> response, URI at) {
        int status = response.statusCode();
        return status == 307 || status == 308 ? HubHttp.location(response, at) : Optional.empty();
    }

    private Answer answer(HttpResponse<InputStream> response, HubHttp.Subject about, Set<Integer> fine)
            throws IOException {
        int status = response.statusCode();
        String code = response.headers().firstValue("X-Error-Code").orElse("");
        try (InputStream body = response.body();
                StallGuard guard = new StallGuard(ContentCoding.plain(response), body, silence)) {
            // A token that is not known is never an answer to what was asked.
            boolean fits = fine.contains(status) && (status != 401 || code.equals("RepoNotFound"));
            if (status >= 300 && !fits) {
                throw refusals.of(response, about);
            }
            byte[] content = guard.read(Limits.ANSWER_BYTES + 1);
            if (content.length > Limits.ANSWER_BYTES) {
                throw new FailedException(response.uri().getHost() + " answers with more than " + Limits.ANSWER_BYTES
                        + " bytes; check HF_ENDPOINT");
            }
            return new Answer(status, code, content, http.next(response));
        }
    }

    /**
     * Puts a part of a file to where the hub said.
     *
     * @param task told by the calling thread of bytes as they are taken; of those that were lost it is told again
     * @return what the store calls the part, if it says so
     * @throws UploadRefusals.Expired if the address is no longer good
     */
    Optional<String> put(URI uri, UploadFile file, long from, long length, Progress.Task task)
            throws IOException, InterruptedException {
        URI at = uri;
        for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
            file.requireUnchanged();
            HttpResponse<InputStream> response = send(at, new Part(file, from, length), task);
            response.body().close();
            Optional<URI> next = redirect(response, at);
            if (next.isPresent()) {
                task.advance(-length);
                at = next.get();
            } else if (response.statusCode() < 300) {
                return response.headers().firstValue("ETag").filter(tag -> !tag.isBlank());
            } else {
                task.advance(-length);
                throw UploadRefusals.ofPart(response, at, file.name());
            }
        }
        throw endless(uri);
    }

    /** Sends a part, and gives up when nothing is taken of it for too long; the client itself would wait for ever. */
    private HttpResponse<InputStream> send(URI at, Part part, Progress.Task task)
            throws IOException, InterruptedException {
        HttpRequest request = http.request(at)
                .PUT(BodyPublishers.fromPublisher(BodyPublishers.ofInputStream(part::open), part.length)).build();
        CompletableFuture<HttpResponse<InputStream>> answer = http.client().sendAsync(request,
                BodyHandlers.ofInputStream());
        long told = 0;
        try {
            while (true) {
                try {
                    HttpResponse<InputStream> response = answer.get(STEP_MILLISECONDS, TimeUnit.MILLISECONDS);
                    task.advance(part.length - told); // a server need not take all to know what it answers
                    told = part.length;
                    return response;
                } catch (TimeoutException _) {
                    long taken = Math.min(part.taken.get(), part.length);
                    task.advance(taken - told);
                    told = taken;
                    if (System.nanoTime() - part.lastTaken > silence.toNanos()) {
                        throw new HttpTimeoutException("nothing was taken any more");
                    }
                }
            }
        } catch (ExecutionException e) {
            task.advance(-told);
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            throw Thrown.again(e.getCause());
        } catch (HttpTimeoutException e) {
            task.advance(-told);
            throw e;
        } finally {
            answer.cancel(true);
        }
    }

    /** A part of a file that is being sent; the client's own threads take from it. */
    private static final class Part {
        private final UploadFile file;
        private final long from;
        private final long length;
        private final AtomicLong taken = new AtomicLong();
        private volatile long lastTaken = System.nanoTime();

        Part(UploadFile file, long from, long length) {
            this.file = file;
            this.from = from;
            this.length = length;
        }

        InputStream open() {
            taken.set(0);
            try {
                return new FilterInputStream(file.part(from)) {
                    @Override
                    public int read() throws IOException {
                        byte[] one = new byte[1];
                        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
                    }

                    @Override
                    public int read(byte[] bytes, int offset, int most) throws IOException {
                        if (taken.get() == length) {
                            return -1;
                        }
                        int count = super.read(bytes, offset, (int) Math.min(most, length - taken.get()));
                        lastTaken = System.nanoTime();
                        taken.addAndGet(Math.max(0, count));
                        return count;
                    }
                };
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
