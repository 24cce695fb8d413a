// What was counted between two markers, and how it is written (tables.py reads it).
namespace Simbench
{
    using System;
    using System.Collections.Generic;
    using System.IO;

    public class Interval
    {
        public Interval(int opener)
        {
            this.opener = opener;
        }

        public ulong Executed { get; set; }

        public void Execute(int block)
        {
            Grow(block);
            executions[block]++;
        }

        public int Likely(int source)
        {
            return source < follower.Length ? follower[source] - 1 : -1;
        }

        public void Follow(int source, int target)
        {
            Grow(source);
            if(follower[source] == 0)
            {
                follower[source] = target + 1;
            }
            if(follower[source] == target + 1)
            {
                followed[source]++;
            }
            else
            {
                Add(edges, (ulong)source << 32 | (uint)target, 1);
            }
        }

        public void Access(int block, int segment, int misalignment)
        {
            Grow(block);
            var counts = accesses[block] ?? (accesses[block] = new ulong[Places]);
            counts[segment * Misalignments + misalignment]++;
        }

        public void Miss(int block, int cache, uint jump, uint sequential)
        {
            Add(misses, (ulong)block << 32 | (uint)(2 * cache), jump);
            Add(misses, (ulong)block << 32 | (uint)(2 * cache + 1), sequential);
        }

        public void Write(BinaryWriter writer)
        {
            writer.Write(opener);
            writer.Write(Executed);
            WriteTable(writer, w =>
            {
                for(var block = 0; block < executions.Length; block++)
                {
                    if(executions[block] != 0)
                    {
                        w((ulong)block << 32, executions[block]);
                    }
                }
            });
            WriteTable(writer, w =>
            {
                for(var source = 0; source < followed.Length; source++)
                {
                    if(followed[source] != 0)
                    {
                        w((ulong)source << 32 | (uint)(follower[source] - 1), followed[source]);
                    }
                }
                foreach(var edge in edges)
                {
                    w(edge.Key, edge.Value);
                }
            });
            WriteTable(writer, w =>
            {
                for(var block = 0; block < accesses.Length; block++)
                {
                    for(var place = 0; accesses[block] != null && place < Places; place++)
                    {
                        if(accesses[block][place] != 0)
                        {
                            w((ulong)block << 32 | (uint)place, accesses[block][place]);
                        }
                    }
                }
            });
            WriteTable(writer, w =>
            {
                foreach(var miss in misses)
                {
                    w(miss.Key, miss.Value);
                }
            });
        }

        private static void WriteTable(BinaryWriter writer, Action<Action<ulong, ulong>> rows)
        {
            var count = 0;
            rows((key, value) => count++);
            writer.Write(count);
            rows((key, value) =>
            {
                writer.Write(key);
                writer.Write(value);
            });
        }

        private static void Add(Dictionary<ulong, ulong> counts, ulong key, uint more)
        {
            counts.TryGetValue(key, out var count);
            counts[key] = count + more;
        }

        private void Grow(int block)
        {
            if(block < executions.Length)
            {
                return;
            }
            var size = Math.Max(block + 1, 2 * executions.Length);
            Array.Resize(ref executions, size);
            Array.Resize(ref follower, size);
            Array.Resize(ref followed, size);
            Array.Resize(ref accesses, size);
        }

        private readonly int opener;
        private readonly Dictionary<ulong, ulong> edges = new Dictionary<ulong, ulong>();
        private readonly Dictionary<ulong, ulong> misses = new Dictionary<ulong, ulong>();
        private ulong[] executions = new ulong[256];
        private int[] follower = new int[256];
        private ulong[] followed = new ulong[256];
        private ulong[][] accesses = new ulong[256][];

        private const int Misalignments = 4;
        private const int Places = 5 * Misalignments;
    }
}
