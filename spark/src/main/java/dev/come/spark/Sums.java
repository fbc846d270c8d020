package dev.come.spark;

import dev.come.Progress;
import dev.come.calibration.Numbers;
import dev.come.calibration.SumInPieces;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.Partitioner;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

import scala.Tuple2;

/**
 * Large sums on their way through a cluster: executors that own shards take their sums apart, others add up pieces of one number in
 * the order of the shards, and what comes to the driver is whole but for being in pieces.
 */
final class Sums {
    /** The piece number of what shards say; it comes before all pieces. */
    private static final int SAID = -1;
    /** So many bytes come to the driver in one message, about. */
    private static final long MESSAGE = 4 << 20;

    private Sums() {
    }

    /** What is done with a question for sums where a shard lies. */
    interface Work extends Task.Work<Sums.Opened> {
    }

    /** An answer that is still where it was made; it is never sent. */
    @SuppressWarnings("serial")
    record Opened(SumInPieces.Apart apart) implements Serializable {}

    /** Which piece of which shard; pieces of one number follow each other, in the order of the shards. */
    record Key(int piece, int shard) implements Serializable, Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            return piece == other.piece ? Integer.compare(shard, other.shard) : Integer.compare(piece, other.piece);
        }
    }

    /** Puts all pieces of one number into one partition. */
    private static final class ByPiece extends Partitioner {
        private final int partitions;

        ByPiece(int partitions) {
            this.partitions = partitions;
        }

        @Override
        public int numPartitions() {
            return partitions;
        }

        @Override
        public int getPartition(Object key) {
            return Math.floorMod(((Key) key).piece, partitions);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof ByPiece same && same.partitions == partitions;
        }

        @Override
        public int hashCode() {
            return partitions;
        }
    }

    /**
     * What comes to the driver at once.
     *
     * @param said by shards
     * @param pieces that are sums over all shards
     */
    record Part(List<Said> said, HashMap<Integer, Numbers> pieces) implements Serializable {}

    /** What a shard says, or why it cannot. */
    record Said(int shard, Reply<SumInPieces.Header> reply) implements Serializable {}

    /**
     * The sums over shards, some for each partition.
     *
     * @param numbers of the shards, one in each partition
     * @param task makes answers where shards lie
     * @param bytes about how many come in all
     */
    static JavaRDD<Part> of(JavaRDD<Integer> numbers, Task<Opened> task, long bytes) {
        int partitions = Math.clamp(bytes / MESSAGE, 1, 512);
        JavaPairRDD<Key, Serializable> pieces = numbers.mapPartitionsToPair(shards -> apart(task, shards));
        return pieces.repartitionAndSortWithinPartitions(new ByPiece(partitions))
                .mapPartitions(sorted -> List.of(added(sorted)).iterator());
    }

    /** Takes a shard's answer apart; closed when the task ends, however that is. */
    private static Iterator<Tuple2<Key, Serializable>> apart(Task<Opened> task, Iterator<Integer> shards) {
        int shard = shards.next();
        Reply<Opened> reply = task.answer(TaskContext.get(), shard);
        if (!reply.isAnswer()) {
            return List.of(new Tuple2<>(new Key(SAID, shard), (Serializable) new Said(shard, reply.with(null))))
                    .iterator();
        }
        SumInPieces.Apart apart = reply.answer().apart;
        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) _ -> apart.close());
        return new Iterator<>() {
            private boolean begun;

            @Override
            public boolean hasNext() {
                return !begun || apart.hasNext();
            }

            @Override
            public Tuple2<Key, Serializable> next() {
                if (!begun) {
                    begun = true;
                    return new Tuple2<>(new Key(SAID, shard), new Said(shard, reply.with(apart.header())));
                }
                SumInPieces.Piece piece = apart.next();
                return new Tuple2<>(new Key(piece.number(), shard), piece.numbers());
            }
        };
    }

    /** Adds up what comes sorted. */
    private static Part added(Iterator<Tuple2<Key, Serializable>> sorted) {
        Part part = new Part(new ArrayList<>(), new HashMap<>());
        while (sorted.hasNext()) {
            Tuple2<Key, Serializable> next = sorted.next();
            if (next._2() instanceof Said said) {
                part.said.add(said);
            } else {
                Numbers numbers = (Numbers) next._2();
                Numbers before = part.pieces.putIfAbsent(next._1().piece, numbers);
                if (before != null) {
                    before.add(numbers);
                }
            }
        }
        return part;
    }

    /** Takes a part on the driver. */
    static void take(Part part, SumInPieces<?, ?> sum, Map<Integer, String> places, Progress.Task task) {
        for (Said said : part.said) {
            said.reply.requireAnswer();
            task.advance(said.reply.runs());
            places.put(said.shard, said.reply.place());
            sum.add(said.shard, said.reply.answer());
        }
        sum.add(part.pieces);
    }
}
