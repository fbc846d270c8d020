package dev.come.hub;

import dev.come.failure.Thrown;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Reads a body and gives up when nothing arrives for too long. The client's own timeout ends with the headers, so a
 * connection that falls silent in the middle of a file would hang for ever.
 */
final class StallGuard implements AutoCloseable {
    private final InputStream content;
    private final InputStream body;
    private final long silenceNanos;
    private final Thread watcher;
    private volatile long lastArrival = System.nanoTime();
    private volatile boolean stalled;
    private volatile @Nullable Throwable failure;

    StallGuard(InputStream body, Duration silence) {
        this(body, body, silence);
    }

    /**
     * Reads content that is made from a body.
     *
     * @param body closed when nothing arrives: a stream that is made of another must not be closed while it is read
     */
    StallGuard(InputStream content, InputStream body, Duration silence) {
        this.content = content;
        this.body = body;
        this.silenceNanos = silence.toNanos();
        Thread reader = Thread.currentThread();
        this.watcher = Thread.ofVirtual().unstarted(() -> watch(reader));
        watcher.start();
    }

    /** Like {@link InputStream#read(byte[])}. */
    int read(byte[] buffer) throws IOException {
        return read(buffer, buffer.length);
    }

    private int read(byte[] buffer, int most) throws IOException {
        try {
            int count = content.read(buffer, 0, most);
            lastArrival = System.nanoTime();
            requireWatched();
            if (stalled) {
                throw new HttpTimeoutException("nothing arrived any more");
            }
            return count;
        } catch (IOException e) {
            requireWatched();
            if (stalled) {
                throw new HttpTimeoutException("nothing arrived any more");
            }
            throw e;
        }
    }

    /** Without somebody who watches, reading could last for ever. */
    private void requireWatched() {
        if (failure != null) {
            Thread.interrupted(); // which the watcher has done
            throw Thrown.again(failure);
        }
    }

    /** Reads this number of bytes, or less if there are no more. */
    byte[] read(int length) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        pass(length, all);
        return all.toByteArray();
    }

    /** Passes over this number of bytes, or less if there are no more, and returns the number passed. */
    long skip(long length) throws IOException {
        return pass(length, OutputStream.nullOutputStream());
    }

    private long pass(long length, OutputStream to) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long passed = 0;
        while (passed < length) {
            int count = read(buffer, (int) Math.min(buffer.length, length - passed));
            if (count < 0) {
                break;
            }
            to.write(buffer, 0, count);
            passed += count;
        }
        return passed;
    }

    @Override
    public void close() {
        watcher.interrupt();
    }

    private void watch(Thread reader) {
        try {
            while (System.nanoTime() - lastArrival < silenceNanos) {
                Thread.sleep(Duration.ofNanos(silenceNanos / 8 + 1));
            }
            stalled = true;
            body.close();
        } catch (InterruptedException | IOException _) {
            // the body was read to its end
        } catch (RuntimeException | Error e) {
            failure = e;
            reader.interrupt();
        }
    }
}
