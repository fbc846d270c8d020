package dev.come.spark;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.Progress;
import dev.come.calibration.SumInPieces;
import dev.come.run.Message;
import dev.come.stack.LayerNode.Trained;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.RDD;

import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/** The executors as one run sees them: numbers are sent to them, each with a message, and stay where they were answered. */
final class Executors implements AutoCloseable {
    private final SparkContext spark;
    private final LayerParcels parcels;
    private final String run = UUID.randomUUID().toString();
    /** The executor that has answered last, by number, as Spark names places. */
    private final Map<Integer, String> places = new HashMap<>();

    Executors(SparkContext spark, LayerParcels parcels) {
        this.spark = spark;
        this.parcels = parcels;
    }

    /** How many tasks run beside each other. */
    int parallel() {
        return parallel(spark);
    }

    /** The same of all of an application. */
    static int parallel(SparkContext spark) {
        return Math.max(1, spark.defaultParallelism() / Math.max(1, spark.getConf().getInt("spark.task.cpus", 1)));
    }

    /**
     * Sends messages, and waits for all answers.
     *
     * @param messages by number; under -1 that for all numbers that have none
     * @param task advances with what executors report
     * @param taker is given answers with their numbers as they come
     * @throws ComeException what an executor met, with the name of its machine
     */
    <A extends Serializable> void send(Task.Work<A> work, List<Integer> numbers, Map<Integer, Message> messages,
            Progress.Task task, ObjIntConsumer<A> taker) {
        if (numbers.isEmpty()) {
            return;
        }
        Map<Integer, byte[]> bytes = new HashMap<>();
        Set<Trained> trained = new LinkedHashSet<>();
        messages.forEach((number, message) -> {
            bytes.put(number, message.bytes());
            trained.addAll(message.trained());
        });
        Task<A> done = new Task<>(run, work, bytes, parcels.of(trained));
        Replies<A> replies = new Replies<>(numbers, places, task, taker);
        try {
            spark.runJob(placed(numbers), done, indices(numbers.size()), replies, ClassTag$.MODULE$.apply(Reply.class));
        } catch (Exception e) { // Scala throws what it does not declare
            throw told(e);
        }
    }

    /**
     * Sends a question for sums, and waits for all of it.
     *
     * @param sum takes what comes
     */
    void sum(Sums.Work work, List<Integer> numbers, Message message, Progress.Task task, SumInPieces<?, ?> sum) {
        Task<Sums.Opened> done = new Task<>(run, work, Map.of(-1, message.bytes()), parcels.of(message.trained()));
        RDD<Sums.Part> parts = Sums.of(new JavaRDD<>(placed(numbers), tag(Integer.class)), done, sum.bytes()).rdd();
        try {
            spark.runJob(parts, new First<>(), indices(parts.getNumPartitions()),
                    new Taking(part -> Sums.take(part, sum, places, task)), tag(Sums.Part.class));
        } catch (Exception e) { // Scala throws what it does not declare
            throw told(e);
        }
    }

    /** Gives the one element of a partition. */
    private static final class First<T> extends AbstractFunction2<TaskContext, Iterator<T>, T> implements Serializable {
        @Override
        public T apply(TaskContext task, Iterator<T> one) {
            return one.next();
        }
    }

    /** Takes parts as they come in, on the driver. */
    private static final class Taking extends AbstractFunction2<Object, Sums.Part, BoxedUnit> {
        private final Consumer<Sums.Part> taker;

        Taking(Consumer<Sums.Part> taker) {
            this.taker = taker;
        }

        @Override
        public synchronized BoxedUnit apply(Object index, Sums.Part part) {
            taker.accept(part);
            return BoxedUnit.UNIT;
        }
    }

    /** What the engine throws, in one sentence; what an executor has said comes wrapped. */
    private ComeException told(Exception thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof ComeException told) {
                return told;
            }
            if (cause instanceof InterruptedException interrupted) {
                spark.cancelAllJobs();
                Thread.currentThread().interrupt();
                return new InterruptedRunException(interrupted);
            }
        }
        return new FailedException("The cluster gave up: " + SparkProvider.reason(thrown), thrown);
    }

    /** One partition for each number, where it lies if that is known. */
    private RDD<Integer> placed(List<Integer> numbers) {
        List<Tuple2<Integer, Seq<String>>> placed = new ArrayList<>();
        for (int number : numbers) {
            String place = places.get(number);
            placed.add(new Tuple2<>(number, seq(place == null ? List.of() : List.of(place))));
        }
        return spark.makeRDD(seq(placed), tag(Integer.class));
    }

    static <T> ClassTag<T> tag(Class<T> type) {
        return ClassTag$.MODULE$.apply(type);
    }

    private static Seq<Object> indices(int count) {
        return seq(IntStream.range(0, count).<Object>mapToObj(Integer::valueOf).toList());
    }

    private static <T> Seq<T> seq(List<T> list) {
        return CollectionConverters.asScala(list).toSeq();
    }

    /** Takes replies as they come in, on the driver. */
    private static final class Replies<A extends Serializable> extends AbstractFunction2<Object, Reply<A>, BoxedUnit> {
        private final List<Integer> numbers;
        private final Map<Integer, String> places;
        private final Progress.Task task;
        private final ObjIntConsumer<A> taker;

        Replies(List<Integer> numbers, Map<Integer, String> places, Progress.Task task, ObjIntConsumer<A> taker) {
            this.numbers = numbers;
            this.places = places;
            this.task = task;
            this.taker = taker;
        }

        @Override
        public synchronized BoxedUnit apply(Object index, Reply<A> reply) {
            reply.requireAnswer();
            task.advance(reply.runs());
            int number = numbers.get((Integer) index);
            places.put(number, reply.place());
            taker.accept(reply.answer(), number);
            return BoxedUnit.UNIT;
        }
    }

    @Override
    public void close() {
        parcels.close();
    }
}
