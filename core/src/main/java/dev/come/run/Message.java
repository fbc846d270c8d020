package dev.come.run;

import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Something on its way to another machine.
 *
 * @param bytes of what is sent
 * @param trained the trained layers that it speaks of; the sender has their weights, the other machine may not
 */
@SuppressWarnings("ArrayRecordComponent") // nobody compares messages
public record Message(byte[] bytes, Set<Trained> trained) {
    /** Writes what is to be sent. */
    public static Message of(Serializable content) {
        Set<Trained> trained = new LinkedHashSet<>();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new Watching(bytes, trained)) {
            out.writeObject(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Message(bytes.toByteArray(), trained);
    }

    /** Reads what was sent by this program. */
    public static Object read(byte[] bytes) {
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
            return in.readObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Notes which layers are written. Those that a trained layer began as are not needed to make it. */
    private static final class Watching extends ObjectOutputStream {
        private final Set<Trained> trained;

        Watching(ByteArrayOutputStream out, Set<Trained> trained) throws IOException {
            super(out);
            this.trained = trained;
            enableReplaceObject(true);
        }

        @Override
        protected Object replaceObject(Object written) {
            Stream<LayerNode> layers = switch (written) {
                case LayerStack stack -> stack.nodes().stream();
                case NeedsLayers needing -> needing.layers();
                default -> Stream.of();
            };
            layers.flatMap(LayerNode::trained).forEach(trained::add);
            return written;
        }
    }
}
