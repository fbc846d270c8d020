package dev.come.hub;

import dev.come.ByteSize;
import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Fetches the content of one file. What arrives goes to {@code ETAG.incomplete}, from whose end a later attempt, or a
 * later run, goes on; only what has the promised size and sum gets the blob's name.
 */
final class BlobDownload {
    private static final int BUFFER_BYTES = 1 << 18;

    private final HubHttp http;
    private final Retries retries;
    private final URI uri;
    private final HubHttp.Subject about;
    private final HubHttp.Facts facts;
    private final Path blob;
    private final Path partial;
    private final Path lock;
    private final Progress progress;
    private final Optional<BlobHash> hash;
    private long planned;
    /** Bytes of the partial file that the hash has seen. */
    private long hashed;
    /** Bytes that the task was told of. */
    private long told;
    /** The most bytes that any attempt of this run had, and whether the last one came further than all before. */
    private long furthest;
    private boolean advanced;
    private boolean hashWasWrong;

    BlobDownload(HubHttp http, Retries retries, HubCache cache, URI uri, HubHttp.Subject about, HubHttp.Facts facts,
            Progress progress) {
        this.http = http;
        this.retries = retries;
        this.uri = uri;
        this.about = about;
        this.facts = facts;
        this.blob = cache.blob(about.repository(), facts.etag());
        this.partial = blob.resolveSibling(facts.etag() + ".incomplete");
        this.lock = cache.lock(about.repository(), facts.etag());
        this.progress = progress;
        this.hash = BlobHash.of(facts.etag(), facts.size());
    }

    /**
     * Finds the number of bytes still to come. In the end the task will be told of exactly this number, come what may.
     */
    long plan() {
        long arrived = isThere() ? facts.size() : HubCache.bytes(partial);
        planned = arrived <= facts.size() ? facts.size() - arrived : facts.size();
        return planned;
    }

    /** Whether something was fetched, be it not all. */
    boolean hasSomething() {
        return HubCache.bytes(partial) > 0 || isThere();
    }

    HubHttp.Facts facts() {
        return facts;
    }

    HubHttp.Subject about() {
        return about;
    }

    /** Fetches what is missing. */
    void run(Progress.Task task) {
        try (HubLock _ = HubLock.take(lock,
                () -> progress.note("Another process is fetching " + about + "; waiting for it."))) {
            if (!isThere()) { // otherwise the other process has brought it
                if (Files.exists(blob)) {
                    progress.note(
                            "The cache of the hub has " + about + " with " + HubCache.bytes(blob) + " bytes instead of "
                                    + facts.size() + "; it is fetched again.");
                }
                retries.run(uri.getHost(), () -> {
                    advanced = false;
                    attempt(task);
                    return blob;
                }, () -> advanced, progress::note);
                moveToBlob();
            }
        } catch (IOException e) {
            throw HubCache.failure(lock + " cannot be locked", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException(Transfer.DOWNLOAD.interrupted(), e);
        }
        task.advance(planned - told);
        told = planned;
    }

    /** Whether the blob is there and has the right size. */
    boolean isThere() {
        return Files.isRegularFile(blob) && HubCache.bytes(blob) == facts.size();
    }

    private void attempt(Progress.Task task) throws IOException, InterruptedException {
        try (FileChannel file = open()) {
            long arrived = file.size();
            if (arrived > facts.size() || arrived < hashed) {
                startAnew(file, task);
                arrived = 0;
            }
            ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
            while (hashed < arrived && file.read(buffer.clear(), hashed) > 0) {
                hash(buffer.flip());
            }
            if (arrived < facts.size()) {
                receive(file, arrived, buffer.array(), task);
            }
            bringToDisk(file);
        }
        check(task);
    }

    private void hash(ByteBuffer content) {
        hashed += content.remaining();
        hash.ifPresent(sum -> sum.update(content));
    }

    private void receive(FileChannel file, long from, byte[] buffer, Progress.Task task)
            throws IOException, InterruptedException {
        HttpResponse<InputStream> response = http.open(uri, from, about);
        try (InputStream body = response.body();
                StallGuard guard = new StallGuard(ContentCoding.plain(response), body, retries.silence())) {
            long at = response.statusCode() == 206 ? from : 0;
            if (response.statusCode() == 416
                    || (response.statusCode() == 206 && !HubHttp.isPart(response, from, facts.size()))) {
                startAnew(file, task);
                throw new WrongContentException("it does not go on with " + about + " where it was asked to");
            }
            if (at < from) {
                startAnew(file, task); // the server sends everything once more
            }
            if (isTooLong(response.headers(), facts.size() - at)) {
                throw tooLong(file, task);
            }
            for (int count = read(guard, buffer, at); count >= 0; count = read(guard, buffer, at)) {
                if (count > facts.size() - at) {
                    throw tooLong(file, task);
                }
                write(file, ByteBuffer.wrap(buffer, 0, count), at);
                hash(ByteBuffer.wrap(buffer, 0, count));
                at += count;
                advanced |= at > furthest;
                furthest = Math.max(furthest, at);
                told += count;
                task.advance(count);
            }
            if (at < facts.size()) {
                throw brokenOff(at, null);
            }
        }
    }

    private static boolean isTooLong(HttpHeaders headers, long expected) {
        return ContentCoding.isPlain(headers)
                && HubHttp.number(headers.firstValue("Content-Length")).orElse(0) > expected;
    }

    private WrongContentException tooLong(FileChannel file, Progress.Task task) {
        startAnew(file, task);
        advanced = false; // nothing of it is of use
        return new WrongContentException("it sends more than the " + facts.size() + " bytes of " + about);
    }

    private int read(StallGuard guard, byte[] buffer, long at) throws IOException {
        try {
            return guard.read(buffer);
        } catch (HttpTimeoutException e) {
            throw e;
        } catch (IOException e) {
            throw brokenOff(at, e);
        }
    }

    private IOException brokenOff(long at, @Nullable IOException cause) {
        return new IOException("the connection broke off after " + ByteSize.format(at) + " of "
                + ByteSize.format(facts.size()) + " of " + about, cause);
    }

    private FileChannel open() {
        try {
            return FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw HubCache.failure(partial + " cannot be written", e);
        }
    }

    private void startAnew(FileChannel file, Progress.Task task) {
        try {
            file.truncate(0);
        } catch (IOException e) {
            throw HubCache.failure(partial + " cannot be written", e);
        }
        takeBack(task);
    }

    private void takeBack(Progress.Task task) {
        hash.ifPresent(BlobHash::restart);
        hashed = 0;
        task.advance(-told);
        told = 0;
    }

    private void write(FileChannel file, ByteBuffer content, long at) {
        try {
            long position = at;
            while (content.hasRemaining()) {
                position += file.write(content, position);
            }
        } catch (IOException e) {
            throw full(e);
        }
    }

    private void bringToDisk(FileChannel file) {
        try {
            file.force(true);
        } catch (IOException e) {
            throw full(e);
        }
    }

    private FailedException full(IOException e) {
        if (Thread.currentThread().isInterrupted()) {
            return new FailedException(Transfer.DOWNLOAD.interrupted(), e);
        }
        return new FailedException(
                about + " cannot be written to " + blob.getParent() + " (" + IoReason.of(e) + "); its "
                        + ByteSize.format(facts.size())
                        + " need room there: make some, or set HF_HOME to a folder on another disk;"
                        + " what was downloaded is kept, and the same command goes on from there",
                e);
    }

    private void check(Progress.Task task) throws IOException {
        if (hash.isEmpty()) {
            progress.note(uri.getHost() + " tells no checksum of " + about + "; only its size was checked.");
            return;
        }
        if (hash.get().matches()) {
            return;
        }
        try {
            Files.deleteIfExists(partial);
        } catch (IOException e) {
            throw HubCache.failure(partial + " cannot be removed", e);
        }
        if (hashWasWrong) {
            throw new FailedException(about + " arrived twice with another " + hash.get().algorithm()
                    + " than the hub tells (" + facts.etag()
                    + "); someone on the way changes it, or the server is broken:"
                    + " try again later, or another HF_ENDPOINT");
        }
        hashWasWrong = true;
        furthest = 0;
        advanced = true; // the first wrong sum may be the fault of what an earlier run has left
        takeBack(task);
        throw new IOException(about + " arrived damaged (its " + hash.get().algorithm() + " is wrong)");
    }

    private void moveToBlob() {
        try {
            Files.move(partial, blob, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw HubCache.failure(blob + " cannot be written", e);
        }
    }
}
