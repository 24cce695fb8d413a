// Counts what a core of Renode executes between markers, while it runs. Renode compiles this file
// when it includes it; simbench reads what it writes (layout: tables.py beside it).
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq.Expressions;
using System.Reflection;

using Antmicro.Renode.Peripherals.CPU;

namespace Simbench
{
    public static class CounterCommands
    {
        // A window's counts go to PREFIX0, PREFIX1 and so on.
        public static void SimbenchCount(this TranslationCPU cpu, string prefix)
        {
            counter = new Counter(cpu, prefix);
        }

        // With accesses, blocks are of one instruction: what was accessed is of the one that ends.
        public static void SimbenchStart(this TranslationCPU cpu, bool accesses)
        {
            usualBlock = cpu.MaximumBlockSize;
            if(accesses)
            {
                cpu.MaximumBlockSize = 1;
                SetAccessHook(cpu, counter);
            }
            cpu.SetHookAtBlockEnd(counter.BlockEnds);
        }

        public static void SimbenchStop(this TranslationCPU cpu)
        {
            cpu.SetHookAtBlockEnd(null);
            cpu.SetHookAtMemoryAccess(null);
            cpu.MaximumBlockSize = usualBlock;
        }

        public static void SimbenchSegment(this TranslationCPU cpu, ulong start, ulong end, int number)
        {
            counter.AddSegment((uint)start, (uint)end, number);
        }

        public static void SimbenchMarker(this TranslationCPU cpu, ulong address, int kind)
        {
            cpu.AddHook(address, (_, __) => counter.Pass(kind));
        }

        public static ulong SimbenchInWindow(this TranslationCPU cpu)
        {
            return counter.InWindow;
        }

        // The hook's type and the arguments after the address are not the same in every Renode.
        private static void SetAccessHook(TranslationCPU cpu, Counter counter)
        {
            var set = typeof(TranslationCPU).GetMethod("SetHookAtMemoryAccess");
            var type = set.GetParameters()[0].ParameterType;
            var given = new List<ParameterExpression>();
            foreach(var parameter in type.GetMethod("Invoke").GetParameters())
            {
                given.Add(Expression.Parameter(parameter.ParameterType));
            }
            var call = Expression.Call(
                Expression.Constant(counter), typeof(Counter).GetMethod("Access"),
                Expression.Convert(given[1], typeof(int)), given[2]);
            set.Invoke(cpu, new object[] { Expression.Lambda(type, call, given).Compile() });
        }

        private static Counter counter;
        private static int usualBlock;
    }

    public class Counter
    {
        public Counter(TranslationCPU cpu, string prefix)
        {
            this.cpu = cpu;
            this.prefix = prefix;
        }

        public ulong InWindow => open ? cpu.ExecutedInstructions - openedAt : 0;

        public void AddSegment(uint start, uint end, int number)
        {
            segments.Add((start, end, number));
        }

        public void Access(int operation, ulong address)
        {
            if(!accessed && operation != InstructionFetch)
            {
                accessed = true;
                first = (uint)address;
            }
        }

        public void BlockEnds(ulong address, uint instructions)
        {
            if(!open && before == null || instructions == 0)
            {
                accessed = false;
                return;
            }
            var block = Find((uint)address, instructions);
            if(before != null)
            {
                // a jump to a marker is of the interval that the marker ends
                before.Follow(last, block);
                before = null;
                if(!open)
                {
                    WriteWindow();
                    return;
                }
            }
            else if(last >= 0)
            {
                now.Follow(last, block);
            }
            now.Execute(block);
            if(accessed)
            {
                now.Access(block, SegmentOf(first), (int)first & 3);
                accessed = false;
            }
            last = block;
        }

        public void Pass(int kind)
        {
            if(kind == WindowOpens || (kind == SectionOpens && !open))
            {
                closed.Clear();
                open = true;
                openedAt = begunAt = cpu.ExecutedInstructions;
                now = new Interval(WindowOpens);
                before = null;
                last = -1;
            }
            else if(open && kind != SectionOpens)
            {
                var executed = cpu.ExecutedInstructions;
                now.Executed = executed - begunAt;
                begunAt = executed;
                closed.Add(now);
                before = now;
                now = new Interval(kind);
                open = kind != WindowCloses;
            }
        }

        private int Find(uint address, uint instructions)
        {
            var key = (ulong)address << 32 | instructions;
            if(last >= 0)
            {
                var likely = now.Likely(last);
                if(likely >= 0 && keys[likely] == key)
                {
                    return likely;
                }
            }
            if(!numbers.TryGetValue(key, out var number))
            {
                number = keys.Count;
                numbers.Add(key, number);
                keys.Add(key);
            }
            return number;
        }

        private int SegmentOf(uint address)
        {
            foreach(var (start, end, number) in segments)
            {
                if(start <= address && address < end)
                {
                    return number;
                }
            }
            return OtherSegment;
        }

        private void WriteWindow()
        {
            using(var writer = new BinaryWriter(File.Create(prefix + windows)))
            {
                writer.Write(keys.Count);
                foreach(var key in keys)
                {
                    writer.Write(key);
                }
                writer.Write(closed.Count);
                foreach(var interval in closed)
                {
                    interval.Write(writer);
                }
            }
            windows++;
            closed.Clear();
            accessed = false;
            last = -1;
        }

        private readonly TranslationCPU cpu;
        private readonly string prefix;
        private readonly List<(uint, uint, int)> segments = new List<(uint, uint, int)>();
        private readonly Dictionary<ulong, int> numbers = new Dictionary<ulong, int>();
        private readonly List<ulong> keys = new List<ulong>();
        private readonly List<Interval> closed = new List<Interval>();
        private bool open;
        private int windows;
        private ulong openedAt;
        private ulong begunAt;
        private Interval now = new Interval(WindowOpens);
        private Interval before;
        private int last = -1;
        private bool accessed;
        private uint first;

        private const int InstructionFetch = 4;
        private const int OtherSegment = 4;
        private const int WindowOpens = 0;
        private const int WindowCloses = 1;
        private const int SectionOpens = 4;
    }

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
                Add(edges, (ulong)source << 32 | (uint)target);
            }
        }

        public void Access(int block, int segment, int misalignment)
        {
            Grow(block);
            var counts = accesses[block] ?? (accesses[block] = new ulong[Places]);
            counts[segment * Misalignments + misalignment]++;
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

        private static void Add(Dictionary<ulong, ulong> counts, ulong key)
        {
            counts.TryGetValue(key, out var count);
            counts[key] = count + 1;
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
        private ulong[] executions = new ulong[256];
        private int[] follower = new int[256];
        private ulong[] followed = new ulong[256];
        private ulong[][] accesses = new ulong[256][];

        private const int Misalignments = 4;
        private const int Places = 5 * Misalignments;
    }
}
