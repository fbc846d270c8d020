package dev.come.hub;

import dev.come.Progress;
import dev.come.checkpoint.FileParts;
import java.net.URI;

/**
 * A large file on the hub that is read in parts where it lies. Its beginning is asked for at once, since whoever looks
 * at a file reads that first, in small pieces. What is read has no checksum, for the hub has one of whole files only.
 */
final class HubFile implements FileParts {
    /** Most headers of weights are shorter. */
    private static final int BEGINNING = 1 << 16;

    private final HubHttp http;
    private final Retries retries;
    private final Progress progress;
    private final URI uri;
    private final HubHttp.Subject about;
    private final long size;
    private final byte[] beginning;

    /** @param size in bytes, as the hub tells it */
    HubFile(HubHttp http, Retries retries, Progress progress, URI uri, HubHttp.Subject about, long size) {
        this.http = http;
        this.retries = retries;
        this.progress = progress;
        this.uri = uri;
        this.about = about;
        this.size = size;
        this.beginning = part(0, (int) Math.min(size, BEGINNING));
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public byte[] read(long position, int length) {
        byte[] bytes = new byte[length];
        int known = Math.clamp(beginning.length - position, 0, length);
        if (known > 0) {
            System.arraycopy(beginning, (int) position, bytes, 0, known);
        }
        System.arraycopy(part(position + known, length - known), 0, bytes, known, length - known);
        return bytes;
    }

    private byte[] part(long from, int length) {
        return length == 0
                ? new byte[0]
                : retries.run(uri.getHost(), () -> http.part(uri, from, length, size, about), () -> false,
                        progress::note);
    }
}
